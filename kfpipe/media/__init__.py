"""Pictures, sounds and clips: read, checked, downloaded, put in place, cut.

facts        what is known of each                   cache        what was read, remembered while files stay alike
stills, recordings, video    read and checked        frames       a picture cut from a clip
download     from a link to a checked file           placement    into its place, and nothing lost there
renders      the clips of a project as they lie on disk
"""
