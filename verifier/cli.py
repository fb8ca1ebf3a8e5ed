"""`lancang-verify`: verify certificates, records and codes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

import click

from verifier.bundle.source import BundleTrustSource
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.source import RpcTrustSource
from verifier.checks.facts import TrustSource
from verifier.checks.verdict import Overall
from verifier.choices import (
    HOME_VARIABLE,
    Options,
    ask_about,
    bundle_memory,
    choose_bundle,
    choose_country,
    choose_profile,
    choose_receipt,
    choose_registry,
    preferred_language,
)
from verifier.core.errors import EvidenceUnavailableError
from verifier.core.strict_json import canonical_json
from verifier.display import Display
from verifier.inputs import UnreadableInputError, open_input
from verifier.openssl_sm2 import open_sm2
from verifier.report import Report
from verifier.service import Question, verify
from verifier.service.remembered import RememberedSource
from verifier.service.submission import CODE_HOST
from verifier.wording import LANGUAGES, wording

EMBEDDED: Final = "embedded"

_EXIT_CODES: Final = {
    Overall.VALID: 0,
    Overall.VALID_WITH_NOTES: 0,
    Overall.NOT_VALID: 1,
    Overall.CANNOT_CONFIRM: 3,
    Overall.NOT_OURS: 4,
}
_UNREADABLE: Final = 2
_INTERRUPTED: Final = 130  # 128 + SIGINT; click's own 1 would say "not valid"
_PIPE_CLOSED: Final = 141  # 128 + SIGPIPE
_WORST_FIRST: Final = (1, 3, 4, _UNREADABLE, 0)
_MANY: Final = 4  # from here on the answers are short and there is a progress bar
_DEFAULT_HOME: Final = "var"  # as in the registry's settings


@click.command(name="lancang-verify", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--profile",
    "profile_file",
    type=click.Path(path_type=Path),
    help="Trust profile. Without one nothing can be confirmed.",
)
@click.option(
    "--rpc",
    "rpc_urls",
    multiple=True,
    metavar="URL",
    help='Node to ask instead of those in the profile; may be repeated. "embedded" is the chain '
    "of the demonstration on this machine.",
)
@click.option("--quorum", type=click.IntRange(min=1), help="How many operators must agree.")
@click.option("--registry", "registry_url", metavar="URL", help="Registry to ask for receipts.")
@click.option(
    "--bundle",
    "bundle_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Trust bundle, to verify without a network; further ones are deltas on it. With --rpc the "
    "chain decides and the bundle only supplies proofs.",
)
@click.option(
    "--receipt",
    "receipt_file",
    type=click.Path(path_type=Path),
    help="Receipt that goes with the inputs.",
)
@click.option("--country", metavar="CC", help="Country whose recognition is asked about, e.g. LA.")
@click.option(
    "--at", "at_text", metavar="TIME", help="Answer also for this past moment (RFC 3339)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one report a line, codes only.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the sentences.")
@click.version_option(package_name="lancang", prog_name="lancang-verify")
@click.pass_context
def command(  # noqa: PLR0917  (click passes options by name)
    context: click.Context,
    inputs: tuple[str, ...],
    profile_file: Path | None,
    rpc_urls: tuple[str, ...],
    quorum: int | None,
    registry_url: str | None,
    bundle_files: tuple[Path, ...],
    receipt_file: Path | None,
    country: str | None,
    at_text: str | None,
    *,
    as_json: bool,
    no_color: bool,
    lang: str | None,
) -> None:
    """Verify certificates, inspection records and their codes.

    INPUT is a file (.sdjwt, .receipt.json, .pdf, .png, .jpg), the text of a code, or "-" for
    standard input.

    \b
    Exit status: 0  valid, or valid with notes
                 1  not valid
                 2  wrong usage, or an input that cannot be read
                 3  cannot be confirmed now
                 4  not one of our documents

    With several inputs the worst counts, in the order 1, 3, 4, 2, 0. With --json an input that
    cannot be read gives a line whose "report" is null.
    """  # noqa: D301  (click's mark for a paragraph that keeps its lines)
    embedded = EMBEDDED in rpc_urls
    if embedded and len(rpc_urls) > 1:
        raise click.UsageError("--rpc embedded cannot be combined with another --rpc")
    profile = choose_profile(profile_file, () if embedded else rpc_urls, quorum, embedded=embedded)
    display = Display(
        wording(lang or preferred_language()), colour=not no_color and _terminal_has_colours()
    )
    options = Options(
        profile=profile,
        bundle=choose_bundle(bundle_files, profile, bundle_memory()),
        online=bool(rpc_urls) or not bundle_files,
        embedded=embedded,
        registry=choose_registry(registry_url),
        receipts=() if receipt_file is None else (choose_receipt(receipt_file),),
        question=Question(checked_at=int(time.time()), country=choose_country(country)),
        as_json=as_json,
        display=display,
    )
    options = replace(options, question=ask_about(options.question, at_text))
    if profile is None and rpc_urls:
        _tell("--rpc says whom to ask, not whom to trust; choose a --profile")
    try:
        status = _run(inputs, options)
    except BrokenPipeError:
        # Whoever reads our output has seen enough. Nothing more may be written, at exit either.
        # click would end with its own 1, which says "not valid".
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        status = _PIPE_CLOSED
    context.exit(status)


def main() -> None:
    """Run `lancang-verify`; every way it ends has an exit status of its own, none a stack trace."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal may lack our symbols
    sys.exit(_guarded())


def _guarded() -> int:
    try:
        return int(command.main(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return _UNREADABLE
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except Exception as error:  # a fault of ours must not look like a verdict
        _tell(f"lancang-verify failed ({type(error).__name__}: {error}); please report this")
        return _UNREADABLE


def _run(inputs: tuple[str, ...], options: Options) -> int:
    """Verify every input, print what came out, and return the exit status."""
    codes: list[int] = []
    answers: list[Overall] = []
    told: set[tuple[str, str]] = set()
    bundle = _bundle_source(options)
    chosen = _source(options) if options.online else nullcontext(bundle)
    with chosen as source, _progress(inputs, options) as names:
        for name in names:
            report = _verify(name, options, source, bundle)
            if report is None:
                codes.append(_UNREADABLE)
                continue
            codes.append(_EXIT_CODES[report.overall])
            answers.append(report.overall)
            # Genuine codes all name the same address; saying so once is enough.
            fresh = [each for each in report.warnings if each not in told]
            told.update(each for each in fresh if each[0] == CODE_HOST)
            for code, detail in fresh:
                words = options.display.words.warning(code, detail)
                _tell(options.display.warning(_printable(name), words))
            _show(name, report, options, many=len(inputs) >= _MANY)
    if not options.as_json and len(inputs) > 1:
        click.echo(options.display.totals(answers))
    return next(code for code in _WORST_FIRST if code in codes)


def _bundle_source(options: Options) -> BundleTrustSource | None:
    if options.bundle is None:
        return None
    return BundleTrustSource(options.bundle.bundle, now=options.question.checked_at)


def _verify(
    name: str, options: Options, source: TrustSource | None, bundle: BundleTrustSource | None
) -> Report | None:
    """Verify one input; None when it cannot be read, which has been said then."""
    try:
        submission, warnings = open_input(name)
    except UnreadableInputError as error:
        if options.as_json:
            line = {"error": error.code, "input": click.format_filename(name), "report": None}
            click.echo(canonical_json(dict(line)).decode())
        _tell(options.display.unreadable(_printable(name), str(error)))
        return None
    for warning in warnings:
        words = options.display.words.warning(warning, "")
        _tell(options.display.warning(_printable(name), words))
    submission = replace(submission, beside=options.receipts)
    return verify(
        submission,
        options.question,
        profile=options.profile,
        source=source,
        registry=options.registry,
        sm2=open_sm2(),
        bundle=bundle,
    )


def _show(name: str, report: Report, options: Options, *, many: bool) -> None:
    display, shown = options.display, _printable(name)
    if options.as_json:
        click.echo(report.canonical().decode())
    elif many:
        click.echo(display.brief(shown, report))
    else:
        click.echo(display.report(shown, report))
        click.echo()


@contextmanager
def _source(options: Options) -> Iterator[TrustSource | None]:
    """Open what answers for the chain, for all inputs at one final block."""
    profile = options.profile
    if profile is None:
        yield None
        return
    try:
        if options.embedded:
            endpoint = EmbeddedChain(_home() / "chain").ensure_running()
            profile = profile.with_endpoints([endpoint.url], quorum=1)
    except EvidenceUnavailableError as error:
        _tell(str(error))
        yield None
        return
    question = options.question
    history = question.at is not None
    with RpcTrustSource(profile, now=question.checked_at, history=history) as source:
        yield RememberedSource(source)


def _progress(
    inputs: tuple[str, ...], options: Options
) -> AbstractContextManager[Iterator[str] | tuple[str, ...]]:
    """Return the inputs, with a bar where many are verified at a terminal.

    Answers that go to the same terminal show the progress themselves.
    """
    answers_seen = _is_terminal(sys.stdout) and not options.as_json
    if len(inputs) < _MANY or answers_seen or not _is_terminal(sys.stderr):
        return nullcontext(inputs)
    bar: AbstractContextManager[Iterator[str]] = click.progressbar(
        inputs, file=sys.stderr, show_pos=True
    )
    return bar


def _terminal_has_colours() -> bool:
    return not os.environ.get("NO_COLOR") and _is_terminal(sys.stdout)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


def _home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE) or _DEFAULT_HOME)


def _printable(name: str) -> str:
    """Return a name without anything that a terminal would act upon."""
    shown = click.format_filename(name)
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)


def _tell(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
