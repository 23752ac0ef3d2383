"""Values -> what people and programs read of them. No view asks or decides anything."""
