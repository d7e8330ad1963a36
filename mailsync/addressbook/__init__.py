"""Typing D12 offers D12's people: cards over CardDAV."""
