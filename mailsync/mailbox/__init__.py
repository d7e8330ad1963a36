"""The IMAP side: sessions, provider profiles, headers, the message index."""
