"use strict";

// The page's address is the key, and the only thing that the page knows about who reads it.
const home = location.pathname.replace(/\/$/, "");
const stage = document.getElementById("stage");
const zoom = document.getElementById("zoom");
const LETTERS = "ABCDEFGH";
const LONGEST_WAIT = 4000;

let survey;
let unsaved = false;
let onKey = () => {};

const of = (picture) => `${home}/pictures/${encodeURIComponent(picture)}`;
const pause = (time) => new Promise((done) => setTimeout(done, time));

function render(name) {
  stage.replaceChildren(document.getElementById(name).content.cloneNode(true));
  onKey = () => {};
  scrollTo(0, 0);
  return (selector) => stage.querySelector(selector);
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// --- requests --------------------------------------------------------------------------------------------------------

// Until it is known what became of it, a request is made again: a server that stops and starts loses no answer, and one
// that stored it already says so.
async function insist(address, options, tell) {
  for (let wait = 500; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      const response = await fetch(address, { ...options, cache: "no-store", signal: AbortSignal.timeout(15000) });
      if (response.status < 500 && response.status !== 429) return response;
    } catch {
      // No server, no network, or too slow: all of them may pass.
    }
    tell();
    // Not all pages at the same moment.
    await pause(wait * (0.5 + Math.random()));
  }
}

async function save(position, value, tell) {
  unsaved = true;
  const response = await insist(`${home}/answers/${position}`, { method: "PUT", body: JSON.stringify({ value }) },
    () => tell("Not saved yet. Trying again …"));
  unsaved = false;
  if (response.status === 204) return value;
  const said = await response.json();
  // Answered before, perhaps on another device: that answer stays.
  if (response.status === 409) return said.value;
  throw new Error(said.message);
}

// --- what is shown ---------------------------------------------------------------------------------------------------

function welcome() {
  const find = render("welcome");
  const count = survey.tasks.length, answered = survey.tasks.filter((task) => task.answer !== null).length;
  const questions = count === 1 ? "1 question" : `${count} questions`;
  find("h1").textContent = survey.title;
  find(".introduction").textContent = survey.introduction;
  find(".amount").textContent = answered ? `${questions}, ${answered} of them answered.` : `${questions}.`;
  find("#begin").textContent = answered ? "Go on" : "Begin";
  find("#begin").addEventListener("click", next);
  find("#begin").focus({ focusVisible: false });
}

function next() {
  const position = survey.tasks.findIndex((task) => task.answer === null);
  if (position < 0) return void render("done");
  ask(position);
}

function ask(position) {
  const task = survey.tasks[position], find = render("question");
  const answered = survey.tasks.filter((one) => one.answer !== null).length;
  find("progress").max = survey.tasks.length;
  find("progress").value = answered;
  find("progress").setAttribute("aria-label", "answered");
  find("#place").textContent = `${answered + 1} of ${survey.tasks.length}`;
  find(".given").append(figure(task.content, "Picture"), figure(task.style, "Style"));
  const kinds = { rate, ab: compare, rank };
  const value = kinds[task.kind](task, find);
  preload(survey.tasks[position + 1]);
  find("legend").focus({ preventScroll: true });
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!find(".next").disabled) send(position, value(), find);
  });
}

async function send(position, value, find) {
  find(".next").disabled = true;
  find("fieldset").disabled = true;
  onKey = () => {};
  try {
    survey.tasks[position].answer = await save(position, value, (text) => {
      find("#trouble").textContent = text;
      find("#hint").hidden = true;
    });
    next();
  } catch (error) {
    find("#trouble").textContent = `This could not be saved (${error.message}). Please load the page again.`;
  }
}

function figure(picture, caption) {
  const image = element("img", { src: of(picture), alt: caption, draggable: "false" });
  const frame = element("button", { type: "button", class: "frame", "aria-label": `Enlarge: ${caption}` }, image);
  frame.addEventListener("click", (event) => enlarge(event, picture, caption));
  return element("figure", {}, frame, element("figcaption", {}, caption));
}

// After a pointer, Enter is to go on, not to do the same again.
function leave(event) {
  if (event.detail) event.currentTarget.blur();
}

function enlarge(event, picture, caption) {
  leave(event);
  const image = zoom.querySelector("img");
  image.src = of(picture);
  image.alt = caption;
  zoom.showModal();
}

// On a phone, wide results are larger below each other, and one alone needs less of the height.
function fit(results, image) {
  image.addEventListener("load", () => results.classList.toggle("wide", image.naturalWidth > image.naturalHeight));
}

function preload(task) {
  for (const picture of task ? [task.content, task.style, ...task.shown] : []) new Image().src = of(picture);
}

// --- the kinds of questions: each fills the page in, and returns how to read the answer off it -----------------------

function rate(task, find) {
  find("legend").textContent = survey.question;
  const result = figure(task.shown[0], "Result");
  find(".results").append(result);
  fit(find(".results"), result.querySelector("img"));
  const inputs = Array.from({ length: survey.scale }, (_, index) => element("input",
    { type: "radio", name: "rating", value: index + 1, "aria-label": `${index + 1} of ${survey.scale}` }));
  inputs.forEach((input) => find(".scale").append(element("label", {}, input, input.value)));
  const [low, high] = find(".ends").children;
  low.textContent = `1: ${survey.lowest}`;
  high.textContent = `${survey.scale}: ${survey.highest}`;
  find("#hint").textContent = "Keys: 1 to 9, 0 for 10, then Enter";
  find(".scale").addEventListener("change", () => { find(".next").disabled = false; });
  onKey = (key) => {
    const input = /^[0-9]$/.test(key) && inputs[(Number(key) || 10) - 1];
    if (input) input.click(), input.focus();
  };
  return () => Number(find("input:checked").value);
}

function compare(task, find) {
  find("legend").textContent = survey.comparison;
  find(".ends").replaceChildren();
  find("#hint").textContent = "Keys: A or B, or the arrows, then Enter";
  let chosen = null;
  const figures = choices(task, find, (index) => {
    chosen = index;
    figures.forEach((one, number) => mark(one, number === chosen));
    find(".next").disabled = false;
  });
  onKey = (key) => {
    const index = { ArrowLeft: 0, ArrowRight: 1 }[key] ?? LETTERS.indexOf(key.toUpperCase());
    if (key.length !== 1 && !key.startsWith("Arrow")) return;
    if (figures[index]) figures[index].querySelector(".frame").click();
  };
  return () => chosen;
}

function rank(task, find) {
  find("legend").textContent = `${survey.comparison} Choose the best first, then the next best, until all are in order.`;
  find(".ends").replaceChildren();
  find("#hint").textContent = "Keys: the letters, Backspace to start over, Enter";
  const count = task.shown.length;
  let order = [];
  const show = () => {
    // Of the last one there is nothing left to choose.
    if (order.length === count - 1) order.push([...Array(count).keys()].find((index) => !order.includes(index)));
    figures.forEach((one, index) => mark(one, order.includes(index), order.indexOf(index) + 1));
    find(".next").disabled = order.length < count;
    find("#over").hidden = !order.length;
  };
  const figures = choices(task, find, (index) => {
    if (order.includes(index)) return;
    order.push(index);
    show();
  });
  const startOver = () => { order = []; show(); };
  find("#over").addEventListener("click", startOver);
  onKey = (key) => {
    if (key === "Backspace") return startOver();
    const one = key.length === 1 && figures[LETTERS.indexOf(key.toUpperCase())];
    if (one) one.querySelector(".frame").click();
  };
  return () => order;
}

function choices(task, find, choose) {
  const results = find(".results");
  results.classList.add("choices");
  results.classList.toggle("many", task.shown.length > 2);
  return task.shown.map((picture, index) => {
    const letter = LETTERS[index];
    const image = element("img", { src: of(picture), alt: "", draggable: "false" });
    fit(results, image);
    const frame = element("button", { type: "button", class: "frame", "aria-label": `Choose ${letter}`, "aria-pressed": "false" },
      image);
    const larger = element("button", { type: "button", class: "enlarge", "aria-label": `Enlarge ${letter}` }, "⤢");
    const made = element("figure", {}, frame, element("figcaption", {}, letter), larger);
    frame.addEventListener("click", (event) => {
      choose(index);
      leave(event);
    });
    larger.addEventListener("click", (event) => enlarge(event, picture, letter));
    results.append(made);
    return made;
  });
}

function mark(figure, chosen, place = 0) {
  figure.classList.toggle("chosen", chosen);
  const frame = figure.querySelector(".frame");
  frame.setAttribute("aria-pressed", String(chosen));
  figure.querySelector(".place")?.remove();
  frame.removeAttribute("aria-description");
  if (!place) return;
  frame.setAttribute("aria-description", `place ${place}`);
  figure.append(element("span", { class: "place" }, String(place)));
}

// --- begin -----------------------------------------------------------------------------------------------------------

addEventListener("keydown", (event) => {
  if (zoom.open || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const form = document.querySelector("form");
  // Of the form, because a closed enlargement may keep the focus for a moment.
  const own = event.target.closest("form button, form input");
  if (event.key === "Enter" && form && !own) return form.requestSubmit();
  onKey(event.key);
});

addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

zoom.addEventListener("click", () => zoom.close());

(async () => {
  const response = await insist(`${home}/state`, {}, () => {});
  if (!response.ok) return;
  survey = await response.json();
  if (survey.tasks.every((task) => task.answer !== null)) render("done");
  else welcome();
})();
