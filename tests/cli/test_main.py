"""The shell around the commands: exit codes, messages, help. A new process where one is needed to see it."""

import io
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from zoo_core.cli import main
from zoo_core.cli.main import COMMANDS, zoo
from zoo_core.errors import Interrupted, UsageError, ZooError

Invoke = Callable[..., Result]

ZOO = [sys.executable, "-c", "from zoo_core.cli.main import run; run()"]

HEAVY = ("keras", "jax", "numpy", "pydantic", "h5py", "scipy", "PIL")

IMPORTED = """
import sys
from zoo_core.cli.main import zoo
zoo({arguments}, prog_name="zoo", standalone_mode=False)
print(*sorted(sys.modules), file=sys.stderr)
"""


def imported(*arguments: str) -> set[str]:
    """The modules that are there after `zoo` has run with these arguments, in a process of its own."""
    code = IMPORTED.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `zoo models list` raise this."""

    def fail(error: BaseException) -> None:
        def registry() -> None:
            raise error

        monkeypatch.setattr("zoo_core.cli.models.registry", registry)

    return fail


def test_a_backend_that_there_is_not_is_named_where_keras_is_needed():
    environment = {**os.environ, "KERAS_BACKEND": "fortran"}
    done = subprocess.run([*ZOO, "plugins", "check", "dcgan"], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: Expected a backend of jax, torch, tensorflow, received 'fortran'.")


def test_a_file_name_that_is_no_text_is_printed_with_escapes(monkeypatch: pytest.MonkeyPatch):
    stdout = io.TextIOWrapper(io.BytesIO(), "utf-8")
    monkeypatch.setattr("sys.stdout", stdout)
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    name = json.dumps(os.fsdecode(b"\xff.png"), ensure_ascii=False)
    monkeypatch.setattr(main, "zoo", lambda prog_name: click.echo(name))
    main.run()
    stdout.flush()
    printed = stdout.buffer.getvalue()
    assert printed == b'"\\udcff.png"\n'
    assert os.fsencode(json.loads(printed)) == b"\xff.png"


def test_help_names_every_command_and_imports_none():
    modules = imported("--help")
    assert not modules & set(HEAVY)
    assert {name for name in modules if name.startswith("zoo_core.cli.")} == {"zoo_core.cli.main"}


@pytest.mark.parametrize(
    "arguments", [("models", "list"), ("models", "list", "--json"), ("plugins", "list"), ("features", "list")]
)
def test_listings_import_nothing_heavy(arguments: tuple[str, ...], make_plugin: Callable[..., Path]):
    make_plugin("good")
    modules = imported(*arguments)
    assert "zoo_good" in modules
    assert not modules & set(HEAVY)


def test_options_are_shown_without_keras(make_plugin: Callable[..., Path]):
    make_plugin("good")
    assert not imported("models", "show", "good") & {"keras", "jax", "numpy", "zoo_good.model"}


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_the_top_tells_what_zoo_is_with_an_example(invoke: Invoke, flag: str):
    result = invoke(flag)
    assert result.exit_code == 0
    assert "Train generative image models" in result.stdout
    assert "zoo train vae --data digits" in result.stdout
    assert all(f"\n  {name} " in result.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_short_help_long_help_and_an_example(invoke: Invoke, name: str):
    def check(path: list[str], command: click.Command) -> None:
        for flag in ("-h", "--help"):
            result = invoke(*path, flag)
            assert result.exit_code == 0, result.stderr
            assert result.stdout.count(f"zoo {' '.join(path)}") >= 2, f"{path}: usage and an example"
        for child, subcommand in getattr(command, "commands", {}).items():
            check([*path, child], subcommand)

    with zoo.make_context("zoo", [], resilient_parsing=True) as context:
        _, command, _ = zoo.resolve_command(context, [name])
    assert command is not None
    check([name], command)


def test_a_shell_completes_commands_and_their_subcommands():
    def complete(words: str, position: int) -> str:
        env = os.environ | {"_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(position)}
        return subprocess.run(ZOO, env=env, capture_output=True, text=True).stdout

    assert complete("zoo mo", 1).split() == ["plain,models"]
    assert complete("zoo models sh", 2).split() == ["plain,show"]


def test_version(invoke: Invoke):
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("zoo 0.")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("modls",), "Did you mean 'models'?"),
        (("--colour",), "No such option"),
        (("models", "list", "--jsn"), "--json"),
        (("models", "show"), "Missing argument 'NAME|FILE.py'"),
        (("models", "show", "no such model"), "Unknown model 'no such model'."),
    ],
)
def test_asking_wrong_exits_with_2_and_says_what_would_be_right(invoke: Invoke, arguments: tuple[str, ...], told: str):
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (ZooError("Disk full.", "Free some."), 1, "Error: Disk full.\nFree some.\n"),
        (UsageError("No [such] folder :cat:."), 2, "Error: No [such] folder :cat:.\n"),
        (Interrupted("Stopped at step 5.", "Go on."), 130, "Stopped at step 5.\nGo on.\n"),
        (OSError(13, "Permission denied", "/x"), 1, "Error: [Errno 13] Permission denied: '/x'.\n"),
        (TypeError("no\nidea"), 1, "Error: unexpected TypeError: no; run again with 'zoo --debug ...' for the tra"),
        (AssertionError(), 1, "Error: unexpected AssertionError; run again"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_an_error_is_a_message_and_an_exit_code(
    invoke: Invoke,
    failing: Callable[[BaseException], None],
    error: BaseException,
    code: int,
    told: str,
    debug: tuple[str, ...],
):
    failing(error)
    result = invoke(*debug, "models", "list")
    assert result.exit_code == code
    assert result.stdout == ""
    trace, _, message = result.stderr.rpartition(told)
    assert told in result.stderr
    assert ("Traceback" in trace) == bool(debug)
    assert "Traceback" not in message


def test_a_long_message_is_one_line(invoke: Invoke, failing: Callable[[BaseException], None]):
    failing(ZooError("word " * 100 + "end.", "hint " * 100 + "end."))
    assert len(invoke("models", "list").stderr.splitlines()) == 2


def test_debug_may_be_set_in_the_environment(invoke: Invoke, failing: Callable[[BaseException], None]):
    failing(ZooError("Disk full."))
    assert "Traceback" in invoke("models", "list", ZOO_DEBUG="1").stderr
    assert "Traceback" not in invoke("models", "list", ZOO_DEBUG="0").stderr


def test_a_warning_is_one_line_on_stderr(invoke: Invoke, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoo_core.cli.models.registry", lambda: warnings.warn("two\nlines", stacklevel=1))
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = invoke("models", "list")
    assert result.stderr.startswith("zoo: two lines\n")


def test_ctrl_c_ends_with_130_and_no_traceback(make_plugin: Callable[..., Path]):
    make_plugin("slow", "import sys, time\nprint('ready', flush=True)\ntime.sleep(60)")
    with subprocess.Popen(
        [*ZOO, "models", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, "", "Interrupted.\n")


def test_a_reader_that_goes_away_is_no_error(make_plugin: Callable[..., Path]):
    for number in range(5):
        make_plugin(f"good{number}")
    for arguments in (("models", "list"), ("models", "list", "--json")):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*ZOO, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        assert done.stderr == ""


def test_colours_are_for_terminals_that_want_them():
    pty = pytest.importorskip("pty")

    def on_terminal(**env: str) -> str:
        main, terminal = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
        command = [*ZOO, "models", "show", "nothing"]
        subprocess.run(command, env=environment | {"TERM": "xterm"} | env, stdout=terminal, stderr=terminal)
        os.close(terminal)
        output = os.read(main, 10_000).decode()
        os.close(main)
        assert "Unknown model 'nothing'." in output
        return output

    assert "\x1b[" in on_terminal()
    assert "\x1b[3" not in on_terminal(NO_COLOR="1")
    assert "\x1b[" not in on_terminal(TERM="dumb")


def test_what_a_plugin_prints_does_not_spoil_json(make_plugin: Callable[..., Path]):
    make_plugin("chatty", "print('hello')")
    done = subprocess.run([*ZOO, "plugins", "list", "--json"], capture_output=True, text=True, check=True)
    assert "chatty" in [plugin["name"] for plugin in json.loads(done.stdout)]
    assert done.stderr.startswith("hello\nzoo: plugin 'chatty' (zoo-chatty 1.0) is broken and left out: ")


def test_an_error_of_a_model_names_the_line_that_raised_it(
    invoke: Invoke, tmp_path: Path, failing: Callable[[BaseException], None]
):
    message = "Exception encountered when calling F.call().\n\n\x1b[1mtoo few\x1b[0m\n\nArguments"  # as Keras words it
    source = f"def wrong():\n    raise TypeError({message!r})\n"
    module = {"__name__": "zoo_model_file_mine"}
    exec(compile(source, tmp_path / "mine.py", "exec"), module)
    with pytest.raises(TypeError) as raised:
        module["wrong"]()
    failing(raised.value)
    result = invoke("models", "list")
    assert result.exit_code == 1
    assert f"Error: unexpected TypeError: too few, in {tmp_path.name}/mine.py, line 2.\n" in result.stderr
