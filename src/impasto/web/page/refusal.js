// Why there is no painting.

export class Refusal extends Error {
  // code: for the page; detail: in the words of who refused; after: seconds until it makes sense to come again.
  constructor(code, detail, after = null, status = 0) {
    super(detail)
    Object.assign(this, { code, after, status })
  }
}

// A refusal that ends by itself.
export const mayTryAgain = error => error instanceof Refusal && error.after !== null && [429, 503].includes(error.status)
