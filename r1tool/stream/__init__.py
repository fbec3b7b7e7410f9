"""Rows in and out: sources, readers, writers, the journal, the killable worker pool."""
