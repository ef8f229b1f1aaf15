"""Changes a ticket at the worst moment: between a read and the following write of a store."""


def between(store, monkeypatch, doing):
    """Call `doing` once, after the store has fetched a ticket and before it writes."""
    fetch, looks = store.fetch, []

    def and_then(ref):
        found = fetch(ref)
        if not looks:
            looks.append(ref)
            doing(ref)
        return found

    monkeypatch.setattr(store, "fetch", and_then)
