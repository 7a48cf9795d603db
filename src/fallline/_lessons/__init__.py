"""The chapters: data of a folder each, their texts filled with what the run on the screen measured."""
