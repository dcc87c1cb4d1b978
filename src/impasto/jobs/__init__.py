"""The one way of a picture: read, painted, written, and told of. All doors go it.

    session = Session(lambda options: api.load(options.method))
    jobs = [PaintJob(content, (style,), options, target=FileTarget(path=path)) for content, path in ...]
    for event in run(jobs, session):
        print(event)

`job` says what is to be painted and what is told of it, `pipeline` does it, `session` holds what stays from one to the
next, `file_target` is where most paintings go.
"""
