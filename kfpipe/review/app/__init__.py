"""The takes as an application in the browser, served on loopback."""
