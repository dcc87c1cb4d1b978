"""The block of nginx's configuration that the documentation shows, in nginx itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from connections import until
from fake_service import faked
from wishes import picture

from impasto.serving.server import listen

SERVING = Path(__file__).parents[2] / "docs" / "how-to" / "serving.md"
CONFIG = """daemon off; pid {folder}/nginx.pid; error_log stderr;
events {{}}
http {{
    access_log off;
    {temporary}
    server {{
        listen 127.0.0.1:{port};
        {block}
    }}
}}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx here")
def test_a_page_behind_nginx_may_post(tmp_path, running):
    (block,) = re.findall(r"^```nginx\n(.*?)^```", SERVING.read_text(), re.MULTILINE | re.DOTALL)
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with faked(tmp_path) as service, running(service, hosts=None) as here:
        temporary = " ".join(
            f"{name}_temp_path {tmp_path};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        block = block.replace("127.0.0.1:8000", f"127.0.0.1:{here.port}")
        config = tmp_path / "nginx.conf"
        config.write_text(CONFIG.format(folder=tmp_path, temporary=temporary, port=port, block=block))
        with subprocess.Popen([shutil.which("nginx"), "-c", config, "-p", tmp_path]) as nginx:
            proxied = type(here)(service, port, here.app)

            def answers():
                try:
                    return proxied.ask("GET", "/healthz").status == 200
                except ConnectionRefusedError:
                    return False

            try:
                until(answers)
                form = (("content", picture()), ("style", "now"))
                assert proxied.stylize(*form, Origin=proxied.url).status == 200
                assert proxied.stylize(*form, Origin="http://127.0.0.1:1").status == 403
            finally:
                nginx.terminate()
                nginx.wait(10)
