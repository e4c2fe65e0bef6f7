"""From a catalogue on disk, or the embedded one, to items, fields, interactions and events."""
