"""A store whose help desk is changed by somebody at the worst moment."""


def between(store, monkeypatch, doing):
    """Somebody does something after the store looked and before it writes, once."""
    fetch, looks = store.fetch, []

    def and_then(ref):
        found = fetch(ref)
        if not looks:
            looks.append(ref)
            doing(ref)
        return found

    monkeypatch.setattr(store, "fetch", and_then)
