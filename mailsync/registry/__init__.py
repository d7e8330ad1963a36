"""Who is who: codes, customers, parties, contacts, engagements."""
