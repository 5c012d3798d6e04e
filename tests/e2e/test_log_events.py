"""docs/log-events.md says what the sources do."""
import subprocess
import sys

from server import ROOT


def test_every_event_is_in_the_document_with_its_fields():
    done = subprocess.run([sys.executable, ROOT / 'tests' / 'log_events.py'], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout
