"""Who an item is: text under a wrong name is worse than no text."""
