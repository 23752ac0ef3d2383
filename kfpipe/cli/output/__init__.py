"""How anything is printed: streams, tables, Markdown, amounts, messages, events."""
