"""Certification: is the family's posterior right, on simulated worlds, along the fast path?

`standing` is cheap and imports nothing heavy; `models.certify.harness` does the work, on the
worlds that `models.certify.world` finds. See docs/certification.md.
"""

from models.certify.certificate import standing

__all__ = ["standing"]
