"""The live page in a real browser, while the journal grows.

The page is served with a picture that is not there yet: the browser dumps the page when it has it,
which is when the test says so.
"""

import re
import shutil
import subprocess
import threading  # noqa: TID251 - the run goes on beside the browser

import pytest

from rig.live import server as live_server
from rig.live.server import LivePage, LiveServer
from rig.recording import Verdict

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
    *("--enable-logging=stderr", "--window-size=1280,1000"),
)
PATIENCE_S = 180

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


class HoldingPage(LivePage):
    """The page with a picture that comes late; what the browser reports is kept."""

    def do_GET(self):  # noqa: N802 - the library's name
        if self.path == "/":
            page = (
                live_server.page(b"null").decode().replace("img-src data:", "img-src data: 'self'")
            )
            held = f"<script>{self.server.script}</script><img src='/held'></body>"
            self._send(page.replace("</body>", held).encode(), "text/html; charset=utf-8")
        elif self.path == "/held":
            self.server.released.wait(PATIENCE_S)
            self.send_error(404)
        elif self.path.startswith("/seen/"):
            self.server.seen.append(self.path.removeprefix("/seen/"))
            self.server.news.set()
            self.send_error(404)
        else:
            super().do_GET()


class HoldingServer(LiveServer):
    # The page tells each state that it has drawn by asking for a file of that name.
    script = """
      new MutationObserver(() => fetch("/seen/" + document.body.dataset.phase + "-" + document.body.dataset.ended))
        .observe(document.body, { attributes: true, attributeFilter: ["data-ended", "data-phase"] });"""  # noqa: E501 - a script

    def __init__(self, folder, host, port):
        super().__init__(folder, host, port)
        self.RequestHandlerClass = HoldingPage
        self.released, self.news = threading.Event(), threading.Event()
        self.seen = []

    def until_seen(self, state):
        while state not in self.seen:
            assert self.news.wait(PATIENCE_S), f"{state} was never shown; shown: {self.seen}"
            self.news.clear()


@pytest.fixture
def browse(serve, tmp_path):
    """The DOM, and what the console said, of a page that looks while `meanwhile` goes on."""

    def looked(folder, meanwhile):
        with serve(folder, HoldingServer) as server:
            command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
            with subprocess.Popen(
                [*command, "--dump-dom", server.url],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as child:
                try:
                    meanwhile(server)
                finally:
                    server.released.set()
                dom, said = child.communicate(timeout=PATIENCE_S)
        # The late picture is ours.
        console = [line for line in re.findall(r".*CONSOLE.*", said) if "404" not in line]
        return dom, "\n".join(console)

    return looked


def test_a_page_that_looks_sees_the_run_go_on_and_end(growing, browse):
    run = growing()

    def meanwhile(server):
        server.until_seen("running-0")
        run.start("v1.08-04", 0)
        run.end("v1.08-04", 10, Verdict.PASS)
        run.start("v1.08-05", 10)
        server.until_seen("running-1")
        run.end("v1.08-05", 20, Verdict.FAIL, reason="it opened <b>early</b>")
        run.start("v1.09-06", 20)
        server.until_seen("running-2")
        run.end("v1.09-06", 30, Verdict.PASS)
        run.finish()
        server.until_seen("finished-3")

    dom, console = browse(run.folder, meanwhile)

    assert console == ""
    assert re.search(r'<b id="left"[^>]*>FAIL</b>', dom)
    assert "it opened &lt;b&gt;early&lt;/b&gt;" in dom
    listed = re.findall(r'<div class="(\S+)" data-id="([^"]+)">', dom)
    assert listed == [("pass", "v1.09-06"), ("fail", "v1.08-05"), ("pass", "v1.08-04")]
    assert re.search(r'id="wire"[^>]*>live<', dom)


def test_what_runs_stands_large_with_its_time(growing, browse):
    growing("earlier").whole(wall_s=25.0)
    run = growing("now")
    run.start("v1.08-05", 10)

    dom, _ = browse(run.folder, lambda server: server.until_seen("running-0"))

    assert re.search(r'<div class="says">what v1.08-05 says</div>', dom)
    assert re.search(r"of about 25 s</span>", dom)
    assert 'class="running"' in dom


def test_a_page_that_lost_its_server_says_so_and_finds_it_again(growing, serve, browse, tmp_path):
    """The stream is cut by the server; the browser comes back by itself."""
    run = growing()

    def meanwhile(server):
        server.until_seen("running-0")
        old = server.watcher
        # Every stream ends; the next one looks with fresh eyes.
        server.watcher = type(old)(run.folder)
        old.stop()
        run.start("v1.08-04", 0)
        run.end("v1.08-04", 10, Verdict.PASS)
        server.watcher.start()
        server.until_seen("running-1")

    dom, _ = browse(run.folder, meanwhile)

    assert re.search(r'id="wire"[^>]*>live<', dom)
