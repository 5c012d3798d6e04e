"""A program that a test talks to through its standard input and output."""
import os
import re
import subprocess
import threading
import time


class Terminal:
    """A program on two pipes. expect() reads until a pattern. slowly: it forgets lines that come with
    others in one read."""

    def __init__(self, *argv, env=None, slowly=False):
        self.process = subprocess.Popen([str(arg) for arg in argv], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0,
                                        env={**os.environ, **(env or {})})
        self.output, self.seen, self.pause = '', 0, 0.05 if slowly else 0
        self.changed = threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while data := self.process.stdout.read(4096):
            with self.changed:
                self.output += data.decode(errors='replace')
                self.changed.notify()

    def expect(self, pattern, seconds=20):
        deadline = time.monotonic() + seconds
        with self.changed:
            while not (found := re.compile(pattern, re.M).search(self.output, self.seen)):
                left = deadline - time.monotonic()
                assert left > 0, f'{pattern!r} did not come: {self.output[self.seen:]!r}\n{self.output}'
                self.changed.wait(left)
            self.seen = found.end()

    def say(self, line, pattern):
        for one in line.split('\r\n'):
            self.process.stdin.write(f'{one}\r\n'.encode())
            time.sleep(self.pause)
        self.expect(pattern)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
