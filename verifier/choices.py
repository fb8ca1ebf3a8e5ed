"""What was chosen on the command line: checked before anything is verified."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click

from verifier.bundle.delta import parse_delta
from verifier.bundle.file import BundleFile, parse_bundle_file
from verifier.bundle.memory import BundleMemory
from verifier.bundle.opening import OpenedBundle, accept_bundle
from verifier.chain.profile import Profile, ProfileKind, load_profile
from verifier.chain.registry_client import RegistryClient
from verifier.core.errors import MalformedEvidenceError, UntrustedProfileError
from verifier.core.limits import MAX_BUNDLE_DELTAS, MAX_BUNDLE_FILE_BYTES
from verifier.core.moments import parse_moment
from verifier.display import Display
from verifier.inputs import UnreadableInputError, read_file, read_receipt
from verifier.service import Question
from verifier.wording import best_language

HOME_VARIABLE: Final = "LANCANG_HOME"  # the same folder as in the registry's settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was chosen on the command line, checked.

    `bundle` decides unless `online` says that nodes were named, which then decide.
    """

    profile: Profile | None
    bundle: OpenedBundle | None
    online: bool
    embedded: bool
    registry: RegistryClient | None
    receipts: tuple[bytes, ...]
    question: Question
    as_json: bool
    display: Display


def choose_profile(
    file: Path | None, rpc_urls: tuple[str, ...], quorum: int | None, *, embedded: bool
) -> Profile | None:
    """Return the profile with the endpoints to ask, None when none was chosen.

    Raises:
        click.BadParameter: It cannot be used, alone or with these endpoints.
    """
    if file is None:
        return None
    try:
        profile = load_profile(file)
        if embedded and profile.kind is not ProfileKind.DEMONSTRATION:
            message = "--rpc embedded is for demonstration; this profile is not"
            raise click.BadParameter(message, param_hint="--rpc")
        if rpc_urls or quorum is not None:
            profile = profile.with_endpoints(rpc_urls, quorum=quorum)
    except UntrustedProfileError as error:
        raise click.BadParameter(str(error), param_hint="--profile") from error
    return profile


def choose_registry(url: str | None) -> RegistryClient | None:
    """Return the registry to ask, None when none was chosen.

    Raises:
        click.BadParameter: The address may not be asked.
    """
    if url is None:
        return None
    try:
        return RegistryClient(url)
    except UntrustedProfileError as error:
        raise click.BadParameter(str(error), param_hint="--registry") from error


def choose_receipt(file: Path) -> bytes:
    """Return the receipt that goes with every input.

    Raises:
        click.BadParameter: It cannot be read or is no receipt.
    """
    try:
        return read_receipt(file)
    except UnreadableInputError as error:
        message = f"{click.format_filename(file)}: {error}"
        raise click.BadParameter(message, param_hint="--receipt") from error


def choose_bundle(
    files: tuple[Path, ...], profile: Profile | None, memory: BundleMemory
) -> OpenedBundle | None:
    """Return the bundle to verify with, None when none was chosen.

    Args:
        files: A bundle, then deltas, each on what the files before it lead to.
        profile: The checker's profile, under which the bundle must be acceptable.
        memory: What was used before.

    Raises:
        click.BadParameter: A file cannot be read, breaks the format or does not fit the one before
            it, or the bundle is refused.
    """
    if not files:
        return None
    hint = "--bundle"
    if profile is None:
        message = "needs --profile, which says whose bundles to believe"
        raise click.BadParameter(message, param_hint=hint)
    if len(files) > MAX_BUNDLE_DELTAS + 1:
        message = f"are more than {MAX_BUNDLE_DELTAS} deltas; fetch the whole bundle"
        raise click.BadParameter(message, param_hint=hint)
    bundle: BundleFile | None = None
    for file in files:
        try:
            data = read_file(file, most=MAX_BUNDLE_FILE_BYTES)
            bundle = parse_bundle_file(data) if bundle is None else parse_delta(data).apply(bundle)
        except (UnreadableInputError, MalformedEvidenceError) as error:
            message = f"{click.format_filename(file)}: {error}"
            raise click.BadParameter(message, param_hint=hint) from error
    try:
        opened = accept_bundle(bundle, profile) if bundle else None
        if opened is not None:
            memory.accept(profile, opened)
    except (UntrustedProfileError, MalformedEvidenceError) as error:
        raise click.BadParameter(str(error), param_hint=hint) from error
    return opened


def bundle_memory() -> BundleMemory:
    """Return where this user's verifier remembers the bundles that it used."""
    home = os.environ.get(HOME_VARIABLE)
    if home:
        return BundleMemory(Path(home) / "bundles.json")
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return BundleMemory(Path(state) / "lancang" / "bundles.json")


def choose_country(text: str | None) -> str | None:
    """Return the country code in capitals, None when no country was asked about.

    Raises:
        click.BadParameter: It is no code of two letters.
    """
    if text is None:
        return None
    code = text.upper()
    if len(code) == 2 and code.isascii() and code.isalpha():  # noqa: PLR2004  (ISO 3166-1 alpha-2)
        return code
    raise click.BadParameter(
        f"{text!r} must be a country code of two letters, such as LA", param_hint="--country"
    )


def ask_about(question: Question, at_text: str | None) -> Question:
    """Return the question with the past moment, unchanged when there is none.

    Raises:
        click.BadParameter: The text is no moment, or one in the future.
    """
    if at_text is None:
        return question
    try:
        moment = parse_moment(at_text, what="it")
        if moment.earliest == moment.latest:
            return replace(question, at=moment.earliest)
        problem = "needs a time with its offset"
    except (MalformedEvidenceError, ValueError) as error:
        problem = str(error).removeprefix("it: ")
    message = f"{problem}; write a past moment like 2026-02-11T18:05:00+08:00"
    raise click.BadParameter(message, param_hint="--at")


def preferred_language() -> str:
    """Return the language of ours that fits the person's locale."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return best_language(next((name for name in names if name), None))
