from __future__ import annotations

import inspect

from starshift.api.console import ConsoleProgress
from starshift.progress import Progress, Silent


def test_every_progress_can_do_all_that_the_interface_asks():
    for name in ("say", "start", "update", "finish"):
        asked = list(inspect.signature(getattr(Progress, name)).parameters)
        for kind in (Silent, ConsoleProgress):
            assert list(inspect.signature(getattr(kind, name)).parameters) == asked, (kind, name)


def test_silence_says_nothing(capsys):
    progress = Silent()
    progress.say("words")
    progress.start("task", 2)
    progress.update(1, 2)
    progress.finish()
    assert capsys.readouterr() == ("", "")


def test_the_console_speaks_on_standard_error_only(capsys):
    progress = ConsoleProgress()
    progress.say("[bold] is no markup here")
    progress.start("task", 0)
    progress.update(1, 2)
    progress.start("another", 3)
    progress.finish()
    progress.finish()  # once more does no harm
    out, err = capsys.readouterr()
    assert out == ""
    assert "[bold] is no markup here" in err
