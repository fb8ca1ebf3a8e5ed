"""Errors of trust bundles."""

from __future__ import annotations

from registry.kit.errors import ConflictError, InvalidInputError, NotFoundError


class BundleNotPublishedError(NotFoundError):
    """This registry has published no trust bundle."""

    code = "bundle_not_published"


class DeltaNotKeptError(NotFoundError):
    """No delta begins at this bundle; the whole newest one must be fetched."""

    code = "delta_not_kept"


class DocumentNotKeptError(NotFoundError):
    """This registry has no public document with this hash."""

    code = "document_not_kept"


class HeadsNotKeptError(NotFoundError):
    """This registry has no tree with this root."""

    code = "heads_not_kept"


class OlderBundleError(ConflictError):
    """A bundle about a later block, or another one about this block, is published already."""

    code = "older_bundle"


class BundleKeyError(InvalidInputError):
    """A file holds no usable private key, or the passphrase does not open it."""

    code = "bundle_key_unusable"
