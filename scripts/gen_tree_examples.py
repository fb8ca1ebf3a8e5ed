"""Write the byte-exact examples of docs/evidence-format-tree.md and the vectors beside them.

Without arguments the generated blocks of the document and `tests/vectors/evidence-tree/*.json` are
rewritten; with `--check` nothing is written and the exit status is 1 when something is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file: the builders of the tests are not on the path

from scripts.generated_files import write_or_compare  # noqa: E402
from scripts.tree_vectors import (  # noqa: E402
    HOST,
    POSITION,
    SIZE,
    example_receipt,
    example_summary,
    examples,
    link_code,
    numbered_leaf,
    refused,
)
from verifier.core.hashing import leaf_digest, token_leaf  # noqa: E402
from verifier.core.merkle import Tree, subtree_leaves  # noqa: E402
from verifier.core.offline_code import Summary  # noqa: E402
from verifier.core.strict_cbor import dump_cbor, parse_cbor  # noqa: E402

DOCUMENT = ROOT / "docs" / "evidence-format-tree.md"
VECTORS = ROOT / "tests" / "vectors" / "evidence-tree"
WIDTH = 96  # of a line of hexadecimal digits

_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def main() -> int:
    """Write or compare; return the exit status."""
    return write_or_compare(generated(), root=ROOT, description=__doc__)


def generated() -> dict[Path, str]:
    """Return the full text of every generated file."""
    summary, tree = example_summary()
    receipt = example_receipt(summary, tree)
    blocks = {
        "leaf": leaf_block(),
        "tree": tree_block(tree),
        "summary": summary_block(summary),
        "offline-code": offline_block(summary),
        "link-code": wrapped(link_code()),
        "receipt": wrapped(receipt.decode()),
    }
    document = DOCUMENT.read_text("utf-8")
    named = {name for _, name, _ in _BLOCK.findall(document)}
    if named != set(blocks):
        raise SystemExit(f"{DOCUMENT.name} has other blocks than {sorted(blocks)}")
    return {
        DOCUMENT: _BLOCK.sub(
            lambda match: f"{match[1]}```text\n{blocks[match[2]]}\n```\n{match[3]}", document
        ),
        VECTORS / "examples.json": as_json(examples(summary, tree, receipt)),
        VECTORS / "refused.json": as_json(refused(summary, receipt)),
    }


def leaf_block() -> str:
    """Return the example of leaves."""
    jwt = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"
    return "\n".join(
        [
            f"leaf of the empty entry            {leaf_digest(b'').hex()}",
            f"leaf of the entry u32(0)           {numbered_leaf(0).hex()}",
            f"leaf of the JWT\n  {jwt}\n                                   {token_leaf(jwt).hex()}",
        ]
    )


def tree_block(tree: Tree) -> str:
    """Return the example of a small tree, and of heads."""
    small = Tree.build([numbered_leaf(number) for number in range(7)])
    lines = ["seven leaves, leaf i over the entry u32(i)", f"root {small.root.hex()}"]
    for index in (5, 6):
        lines.append(f"path of leaf {index}")
        lines += [f"     {node.hex()}" for node in small.proof(index).path]
    lines.append(f"{SIZE} leaves, of which 0 and {POSITION} are those of the examples below")
    lines.append(f"root {tree.root.hex()}")
    lines += [
        f"head of subtree {number}, {subtree_leaves(number, size=SIZE)} leaves\n     {head.hex()}"
        for number, head in enumerate(tree.subtree_heads())
    ]
    lines.append(
        f"path of leaf {SIZE - 1} to its head: {len(tree.subtree_proof(SIZE - 1).path)} nodes"
    )
    return "\n".join(lines)


def summary_block(summary: Summary) -> str:
    """Return the summary layer by layer."""
    message = summary.message
    header = parse_cbor(dump_cbor({1: -7, 4: message.thumbprint, 16: message.typ}), what="header")
    protected = dump_cbor(header)
    signed = dump_cbor(["Signature1", protected, b"", message.payload])
    return "\n".join(
        [
            "ES256, private key 3; signed by RFC 6979 so that anybody gets the same bytes",
            "payload",
            indented(diagnostic(parse_cbor(message.payload, what="payload"))),
            wrapped(message.payload.hex()),
            "protected header",
            indented(diagnostic(header)),
            wrapped(protected.hex()),
            "Sig_structure",
            wrapped(signed.hex()),
            "entry",
            wrapped(summary.entry().hex()),
            "leaf",
            f"  {summary.leaf().hex()}",
        ]
    )


def offline_block(summary: Summary) -> str:
    """Return the text of the offline code, with its proof."""
    proof = summary.proof
    head = summary.head()
    if proof is None or head is None:
        raise SystemExit("the example summary has no proof")
    text = summary.encode_offline_code(HOST)
    nodes = "\n".join(f"  {node.hex()}" for node in proof.path)
    return "\n".join(
        [
            f"index {proof.index}, leaves {proof.leaves}, path",
            nodes,
            "head",
            f"  {head.hex()}",
            f"text, {len(text)} characters",
            wrapped(text),
        ]
    )


def diagnostic(value: object, indent: str = "") -> str:
    """Return CBOR diagnostic notation (RFC 8949, section 8)."""
    if isinstance(value, Mapping):
        inner = indent + "  "
        members = [f"{inner}{key}: {diagnostic(value[key], inner)}" for key in value]
        return "{\n" + ",\n".join(members) + f"\n{indent}}}" if members else "{}"
    if isinstance(value, bytes):
        return f"h'{value.hex()}'"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(diagnostic(element) for element in value)}]"
    return json.dumps(value, ensure_ascii=False)


def indented(text: str) -> str:
    """Return a text two columns further in."""
    return "\n".join(f"  {line}" for line in text.splitlines())


def wrapped(text: str) -> str:
    """Return a long text in lines that are to be joined again."""
    return "\n".join(f"  {text[at : at + WIDTH]}" for at in range(0, len(text), WIDTH))


def as_json(value: object) -> str:
    """Return JSON for people and programs."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
