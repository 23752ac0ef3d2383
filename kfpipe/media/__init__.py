"""Pictures, sounds and clips: read, checked, prepared, downloaded, put in place, cut.

facts        what is known of each                   cache        what was read, kept while files stay the same
stills, recordings, video    read and checked        frames       a picture cut from a clip
kinds, wholeness             what a file is, and whether all of it is there
recipe, prepared, darkroom   what a still needs before it is sent, and the file that is made of it
download     from a link to a checked file           placement    into its place, without losing what is there
renders      the clips of a project on disk          display      a picture as players show it
signatures, containers       what a file is, by its first bytes
examination  a clip on record, decoded to its end
posters      a small picture of each clip            pictures     a clip's pictures, decoded
soundtrack   what kind of sound file music is
ends         the pictures at which clips meet        likeness     how much two pictures look alike
"""
