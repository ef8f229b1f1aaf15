"""Operations on tickets: routing, corrections, review, rescoring, replay."""
