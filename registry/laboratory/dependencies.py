"""The acts on certificates, for routes."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from registry.laboratory.service import Laboratory


def get_laboratory(request: Request) -> Laboratory:
    """Provide the acts on certificates."""
    return cast("Laboratory", request.app.state.laboratory)


LaboratoryDep = Annotated[Laboratory, Depends(get_laboratory)]
