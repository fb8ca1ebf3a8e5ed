"""`lancang bundle`: make, check, sign, publish and update trust bundles for offline use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from registry.anchoring.trees import TreeShelf
from registry.bundles.comparing import differences
from registry.bundles.keys import load_key, make_key
from registry.bundles.service import BundleShelf, StoredLibrary
from registry.console import Application, pass_application, plain
from registry.kit.clock import system_clock
from registry.kit.errors import InvalidInputError
from registry.kit.files import write_atomically
from registry.object_store import open_object_store
from registry.settings import EMBEDDED
from verifier.bundle.building import build_bundle
from verifier.bundle.content import decode_content, encode_content
from verifier.bundle.delta import Delta, parse_delta
from verifier.bundle.file import BundleFile, parse_bundle_file
from verifier.bundle.library import FolderLibrary, Library, RegistryLibrary
from verifier.bundle.opening import accept_bundle
from verifier.bundle.signatures import LONGEST_DELEGATION, Delegation, sign_bundle
from verifier.chain.embedded import EmbeddedChain
from verifier.chain.profile import Profile, load_profile
from verifier.core.encoding import b64u
from verifier.core.keys import Algorithm, PublicKey
from verifier.core.limits import MAX_BUNDLE_FILE_BYTES, MAX_CBOR_BYTES
from verifier.core.moments import format_utc
from verifier.core.strict_json import canonical_json, parse_json_object

DAY: Final = 24 * 3600
_BLOCK: Final = re.compile(r"(?:([0-9]{1,16})=)?([0-9]{1,16})", re.ASCII)
LONGEST_DAYS: Final = LONGEST_DELEGATION // DAY

_File = click.Path(exists=True, dir_okay=False, path_type=Path)
_NewFile = click.Path(dir_okay=False, path_type=Path)
_out = click.option("-o", "--out", type=_NewFile, required=True, help="File to write.")
_passphrase = click.option(
    "--passphrase-file", type=_File, help="File whose first line opens the key; asked if missing."
)


def _sources(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say under which profile and from where a bundle is made."""
    for option in (
        click.option(
            "--documents",
            multiple=True,
            metavar="FOLDER|URL",
            help="Where to look for hash-named documents and heads: a folder, or a registry. May "
            "be repeated. By default what this installation keeps.",
        ),
        click.option("--quorum", type=click.IntRange(min=1), help="Operators that must agree."),
        click.option(
            "--rpc", multiple=True, metavar="URL", help="Node to ask instead of the profile's."
        ),
        click.option("--profile", type=_File, help="Trust profile; that of this installation."),
    ):
        function = option(function)
    return function


@click.group("bundle")
def command() -> None:
    """Make, check, sign, publish and update trust bundles, with which anybody verifies off line.

    A bundle is a function of the chain at one block and of documents that the chain names by hash:
    whoever builds it gets the same bytes. Signatures and compression stand around it.
    """


@command.command("build")
@_out
@_sources
@click.option(
    "--block",
    "blocks",
    multiple=True,
    metavar="[CHAIN=]N",
    help="Final block to read at, of the only chain or of the one named; by default the last.",
)
@click.option("--key", type=_File, help="Private key that signs the bundle.")
@click.option("--delegation", type=_File, help="What lets the key sign.")
@_passphrase
@click.option("--publish", is_flag=True, help="Serve it as the newest bundle of this registry.")
@pass_application
def build(
    app: Application,
    *,
    out: Path,
    profile: Path | None,
    rpc: tuple[str, ...],
    quorum: int | None,
    documents: tuple[str, ...],
    blocks: tuple[str, ...],
    key: Path | None,
    delegation: Path | None,
    passphrase_file: Path | None,
    publish: bool,
) -> None:
    """Build a bundle of everything that the contracts of the profile say."""
    if (key is None) != (delegation is None):
        raise click.UsageError("--key and --delegation belong together")
    trusted = _profile(app, profile, rpc, quorum)
    bundle = build_bundle(
        trusted, _libraries(app, documents), now=_now(), blocks=_blocks(trusted, blocks)
    )
    file = BundleFile(encode_content(bundle))
    if key is not None and delegation is not None:
        signer = load_key(key, _read_passphrase(passphrase_file))
        file = sign_bundle(file, bundle, signer, _read(delegation, MAX_CBOR_BYTES))
    if publish:
        accept_bundle(file, trusted)
        BundleShelf.of(app.settings).publish(file)
    _write(out, file.encode())
    _tell(app, file)


@command.command("check")
@click.argument("file", type=_File)
@_sources
@click.option("--signatures-only", is_flag=True, help="Do not build it again to compare.")
@pass_application
def check(
    app: Application,
    *,
    file: Path,
    profile: Path | None,
    rpc: tuple[str, ...],
    quorum: int | None,
    documents: tuple[str, ...],
    signatures_only: bool,
) -> None:
    """Check the signatures of a bundle, then build it again at its block and compare."""
    trusted = _profile(app, profile, rpc, quorum)
    opened = accept_bundle(parse_bundle_file(_read(file, MAX_BUNDLE_FILE_BYTES)), trusted)
    _tell(app, opened.file)
    who = ", ".join(opened.signers) or "nobody; the profile demands none"
    app.out.print(plain(f"signed by   {who}"))
    if signatures_only:
        return
    blocks = {chain.chain_id: chain.block for chain in opened.bundle.chains}
    again = build_bundle(trusted, _libraries(app, documents), now=_now(), blocks=blocks)
    if encode_content(again) == opened.file.content:
        app.out.print("built again to the same bytes", style="green")
        return
    for difference in differences(opened.bundle, again):
        app.err.print(plain(f"differs: {difference}"), style="bold red")
    raise click.exceptions.Exit(1)


@command.command("delta")
@click.argument("base", type=_File)
@click.argument("result", type=_File)
@_out
@pass_application
def delta(app: Application, base: Path, result: Path, out: Path) -> None:
    """Write what leads from the bundle BASE to the later bundle RESULT."""
    files = [parse_bundle_file(_read(path, MAX_BUNDLE_FILE_BYTES)) for path in (base, result)]
    made = Delta.between(*files)
    data = made.encode()
    _write(out, data)
    app.out.print(plain(f"{out}: {len(data)} bytes, {made.base.hex()} to {made.result.hex()}"))


@command.command("apply")
@click.argument("base", type=_File)
@click.argument("deltas", type=_File, nargs=-1, required=True)
@_out
@pass_application
def apply(app: Application, base: Path, deltas: tuple[Path, ...], out: Path) -> None:
    """Write the bundle to which DELTAS, each on the one before, lead from the bundle BASE."""
    file = parse_bundle_file(_read(base, MAX_BUNDLE_FILE_BYTES))
    for path in deltas:
        file = parse_delta(_read(path, MAX_BUNDLE_FILE_BYTES)).apply(file)
    _write(out, file.encode())
    _tell(app, file)


@command.command("key")
@click.argument("file", type=_NewFile)
@click.option(
    "--algorithm",
    type=click.Choice([Algorithm.ES256.value, Algorithm.EDDSA.value]),
    default=Algorithm.ES256.value,
    show_default=True,
)
@_passphrase
@pass_application
def key(app: Application, file: Path, algorithm: str, passphrase_file: Path | None) -> None:
    """Make a private key in the new FILE, encrypted, and print its public key as a JWK.

    The JWK of an offline root key goes into trust profiles (`bundle_signers`), that of a
    short-lived key into `lancang bundle delegate`.
    """
    passphrase = _read_passphrase(passphrase_file, twice=True)
    made = make_key(file, passphrase, algorithm=Algorithm(algorithm))
    app.out.print(plain(canonical_json({**made.public.jwk()}).decode()))


@command.command("delegate")
@click.option("--key", type=_File, required=True, help="Private root key.")
@click.option("--to", type=_File, required=True, help="JWK of the key that may sign bundles.")
@click.option(
    "--days", type=click.IntRange(1, LONGEST_DAYS), default=31, show_default=True, help="How long."
)
@click.option("--profile", type=_File, help="Trust profile with the chain; of this installation.")
@_passphrase
@_out
@pass_application
def delegate(
    app: Application,
    *,
    key: Path,
    to: Path,
    days: int,
    profile: Path | None,
    passphrase_file: Path | None,
    out: Path,
) -> None:
    """Let a key sign bundles of the profile's home chain from now on. Works without a network."""
    since = _now() - 3600  # the newest final block is a little older than now
    delegation = Delegation(
        genesis=load_profile(profile or app.settings.trust_profile).chains[0].genesis,
        key=PublicKey.from_jwk(parse_json_object(_read(to, MAX_CBOR_BYTES), what="JWK")),
        since=since,
        until=since + days * DAY,
    )
    _write(out, delegation.sign(load_key(key, _read_passphrase(passphrase_file))))
    until = format_utc(delegation.until)
    name = b64u(delegation.key.thumbprint())
    app.out.print(plain(f"{out}: {name} may sign bundles until {until}"))


@command.command("sign")
@click.argument("file", type=_File)
@click.option("--key", type=_File, required=True, help="Private key that signs the bundle.")
@click.option("--delegation", type=_File, required=True, help="What lets the key sign.")
@_passphrase
@_out
@pass_application
def sign(
    app: Application,
    *,
    file: Path,
    key: Path,
    delegation: Path,
    passphrase_file: Path | None,
    out: Path,
) -> None:
    """Add a signature to the bundle FILE; check it first."""
    bundle_file = parse_bundle_file(_read(file, MAX_BUNDLE_FILE_BYTES))
    signer = load_key(key, _read_passphrase(passphrase_file))
    signed = sign_bundle(
        bundle_file,
        decode_content(bundle_file.content),
        signer,
        _read(delegation, MAX_CBOR_BYTES),
    )
    _write(out, signed.encode())
    _tell(app, signed)


@command.command("publish")
@click.argument("file", type=_File)
@click.option("--profile", type=_File, help="Trust profile; that of this installation.")
@pass_application
def publish(app: Application, file: Path, profile: Path | None) -> None:
    """Serve the bundle FILE as the newest one, with the delta from the one before."""
    trusted = load_profile(profile or app.settings.trust_profile)
    opened = accept_bundle(parse_bundle_file(_read(file, MAX_BUNDLE_FILE_BYTES)), trusted)
    written = BundleShelf.of(app.settings).publish(opened.file)
    app.out.print("published" if written else "published already")


@command.command("documents")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@pass_application
def documents(app: Application, folder: Path) -> None:
    """Write every document and all heads that this installation keeps into FOLDER, by hash."""
    count = _own_library(app).export(folder)
    app.out.print(plain(f"{count} files in {folder}"))


def _now() -> int:
    return int(system_clock().timestamp())


def _profile(
    app: Application, file: Path | None, urls: tuple[str, ...], quorum: int | None
) -> Profile:
    """Return the profile with the nodes to ask; the embedded chain is started if need be."""
    own = file is None
    profile = load_profile(file or app.settings.trust_profile)
    if EMBEDDED in urls or (own and not urls and EMBEDDED in app.settings.chain.rpc_urls):
        urls = (EmbeddedChain(app.settings.embedded_chain).ensure_running().url,)
        quorum = quorum or 1
    return profile.with_endpoints(urls, quorum=quorum) if urls or quorum else profile


def _libraries(app: Application, places: tuple[str, ...]) -> list[Library]:
    if not places:
        return [_own_library(app)]
    return [
        RegistryLibrary(place)
        if place.startswith(("http://", "https://"))
        else FolderLibrary(Path(place))
        for place in places
    ]


def _own_library(app: Application) -> StoredLibrary:
    return StoredLibrary(app.database, TreeShelf(open_object_store(app.settings)))


def _blocks(profile: Profile, texts: tuple[str, ...]) -> Mapping[int, int]:
    blocks: dict[int, int] = {}
    for text in texts:
        match = _BLOCK.fullmatch(text)
        if match is None:
            raise click.BadParameter(f"{text!r} is neither N nor CHAIN=N", param_hint="--block")
        if match[1] is None and len(profile.chains) > 1:
            message = "the profile has several chains; write CHAIN=N"
            raise click.BadParameter(message, param_hint="--block")
        blocks[int(match[1] or profile.chains[0].chain_id)] = int(match[2])
    return blocks


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InvalidInputError(f"{path}: {error.strerror}") from error
    if len(data) > most:
        raise InvalidInputError(f"{path} has more than {most} bytes")
    return data


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from error


def _read_passphrase(file: Path | None, *, twice: bool = False) -> str:
    if file is not None:
        lines = _read(file, MAX_CBOR_BYTES).decode("utf-8", "replace").splitlines()
        return lines[0] if lines else ""
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True))


def _tell(app: Application, file: BundleFile) -> None:
    bundle = decode_content(file.content)
    home = bundle.home
    anchors = sum(
        len(generation.ledger.anchors)
        for chain in bundle.chains
        for generation in chain.generations
    )
    app.out.print(plain(f"bundle      {file.digest.hex()}"))
    app.out.print(plain(f"block       {home.chain_id}:{home.block}, {format_utc(home.time)}"))
    app.out.print(
        plain(
            f"content     {len(file.content)} bytes, {anchors} anchors, "
            f"{len(bundle.documents)} documents, {len(file.signatures)} signatures"
        )
    )
