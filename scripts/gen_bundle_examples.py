"""Write the byte-exact examples of docs/trust-bundle.md and the vectors beside them.

Without arguments the generated blocks of the document and `tests/vectors/trust-bundle/*.json` are
rewritten; with `--check` nothing is written and the exit status is 1 when something is out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file: the builders of the tests are not on the path

from scripts.bundle_vectors import (  # noqa: E402
    DAILY_KEY,
    GENESIS,
    ROOT_KEY,
    delegation,
    example,
    refused,
    signed,
)
from scripts.gen_tree_examples import as_json, diagnostic, indented, wrapped  # noqa: E402
from scripts.generated_files import write_or_compare  # noqa: E402
from verifier.bundle.content import encode_content  # noqa: E402
from verifier.bundle.delta import Delta  # noqa: E402
from verifier.bundle.signatures import (  # noqa: E402
    DELEGATION_TYP,
    STATEMENT_TYP,
)
from verifier.core.cose import parse_sign1  # noqa: E402
from verifier.core.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_DEPTH  # noqa: E402
from verifier.core.strict_cbor import parse_cbor  # noqa: E402

DOCUMENT = ROOT / "docs" / "trust-bundle.md"
VECTORS = ROOT / "tests" / "vectors" / "trust-bundle"

_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def main() -> int:
    """Write or compare; return the exit status."""
    return write_or_compare(generated(), root=ROOT, description=__doc__)


def generated() -> dict[Path, str]:
    """Return the full text of every generated file."""
    blocks = {"content": content_block(), "signatures": signature_block(), "delta": delta_block()}
    document = DOCUMENT.read_text("utf-8")
    named = {name for _, name, _ in _BLOCK.findall(document)}
    if named != set(blocks):
        raise SystemExit(f"{DOCUMENT.name} has other blocks than {sorted(blocks)}")
    return {
        DOCUMENT: _BLOCK.sub(
            lambda match: f"{match[1]}```text\n{blocks[match[2]]}\n```\n{match[3]}", document
        ),
        VECTORS / "examples.json": as_json(vectors()),
        VECTORS / "refused.json": as_json([*refused()]),
    }


def content_block() -> str:
    """Return the content in words and in bytes."""
    content = encode_content(example())
    value = parse_cbor(
        content, what="example", max_bytes=MAX_BUNDLE_BYTES, max_depth=MAX_BUNDLE_DEPTH
    )
    return "\n".join(
        [
            indented(folded(value)),
            f"{len(content)} bytes",
            wrapped(content.hex()),
            "SHA-256",
            f"  {signed(example()).digest.hex()}",
        ]
    )


def folded(value: object, indent: str = "") -> str:
    """Return diagnostic notation with a line for every element of a list of maps."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        members = [f"{inner}{key}: {folded(member, inner)}" for key, member in value.items()]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(element, dict | list) for element in value):
        elements = [f"{inner}{folded(element, inner)}" for element in value]
        return "[\n" + ",\n".join(elements) + f"\n{indent}]"
    return diagnostic(value)


def signature_block() -> str:
    """Return delegation and statement of the example."""
    [pair] = signed(example()).signatures
    parts = (
        ("delegation, by private key 7", pair.delegation, DELEGATION_TYP),
        ("statement, by private key 8", pair.statement, STATEMENT_TYP),
    )
    lines = ["ES256, signed by RFC 6979 so that anybody gets the same bytes"]
    for title, message, typ in parts:
        payload = parse_sign1(message, typ=typ, what=title).payload
        said = diagnostic(parse_cbor(payload, what=title))
        lines += [title, f"  payload {said}", wrapped(message.hex())]
    return "\n".join(lines)


def delta_block() -> str:
    """Return the changes that lead to the bundle of a day later."""
    delta = Delta.between(signed(example()), signed(example(later=True)))
    changes = parse_cbor(delta.changes, what="changes", max_bytes=MAX_BUNDLE_BYTES)
    return "\n".join(
        [
            f"base    {delta.base.hex()}",
            f"result  {delta.result.hex()}, {delta.size} bytes",
            "changes",
            wrapped(diagnostic(changes)),
        ]
    )


def vectors() -> dict[str, object]:
    """Return the example for programs; compressed parts are one of many possible ones."""
    first, second = signed(example()), signed(example(later=True))
    delta = Delta.between(first, second)
    return {
        "signer": dict(ROOT_KEY.public_key.jwk()),
        "daily_key": dict(DAILY_KEY.public_key.jwk()),
        "genesis": GENESIS.hex(),
        "delegation": delegation().hex(),
        "content": first.content.hex(),
        "sha256": first.digest.hex(),
        "file": first.encode().hex(),
        "delta": delta.encode().hex(),
        "later": {"content": second.content.hex(), "sha256": second.digest.hex()},
    }


if __name__ == "__main__":
    sys.exit(main())
