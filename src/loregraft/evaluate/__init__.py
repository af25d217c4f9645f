"""Did knowledge help? Controls that hold none, figures with their spread, what training cost elsewhere."""
