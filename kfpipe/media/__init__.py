"""Pictures, sounds and clips: read, checked, downloaded, put in place, cut.

facts        what is known of each                   cache        what was read, kept while files stay the same
stills, recordings, video    read and checked        frames       a picture cut from a clip
download     from a link to a checked file           placement    into its place, without losing what is there
renders      the clips of a project on disk          display      a picture as players show it
signatures, containers       what a file is, by its first bytes
"""
