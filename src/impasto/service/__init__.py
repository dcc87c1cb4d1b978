"""The service behind the web page, the HTTP API and the bot: a queue in front of processes that paint.

    from impasto.service.request import PaintRequest
    from impasto.service.service import Service

    with Service() as service:
        job = service.submit(PaintRequest(content=photo, styles=("swirls",)), user="somebody")
        service.wait(job.id)
        painting = service.result(job.id).data

Nothing here imports PyTorch; only the processes do.
"""
