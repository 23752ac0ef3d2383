"""The clips, decoded again: what is promised about them holds in the file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise

import av
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageStat

from kfpipe.emulator import media_limits as limits
from kfpipe.emulator.film import animatic
from kfpipe.emulator.film.burn_in import BurnIn, Slate, spelled
from kfpipe.emulator.film.camera import chosen
from kfpipe.emulator.film.pictures import fitted, moving, placeholder
from kfpipe.emulator.film.scene import RemoteFile, Scene, StoredFile
from kfpipe.emulator.film.yuv import from_picture
from tests.support import recordings

SIZE = (544, 304)


def is_never_stopped():
    return False


@pytest.fixture
def pictures(tmp_path):
    """Two landscapes, one by day and one by night, in other sizes than the clip's."""
    made = []
    for name, sky, ground in (("day", "skyblue", "olivedrab"), ("night", "midnightblue", "darkslategray")):
        picture = Image.new("RGB", (900, 600), sky)
        draw = ImageDraw.Draw(picture)
        draw.rectangle((0, 380, 900, 600), fill=ground)
        draw.ellipse((600, 60, 720, 180), fill="gold")
        path = tmp_path / f"{name}.png"
        picture.save(path)
        made.append(StoredFile(path, name, path.stat().st_size))
    return made


@pytest.fixture
def scene(pictures):
    first, last = pictures
    return Scene(
        width_px=SIZE[0],
        height_px=SIZE[1],
        seconds=2,
        first=first,
        last=last,
        has_sound=True,
        has_watermark=False,
        seed=7,
    )


def rendered(scene, path, render=animatic.render):
    render(scene, path, is_never_stopped)
    return path


def frames(path):
    with av.open(path) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def difference(one, other):
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("render", [animatic.render, animatic.render_tiny])
def test_a_clip_has_the_promised_format(scene, tmp_path, render):
    with av.open(rendered(scene, tmp_path / "clip.mp4", render)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == SIZE
        assert (video.average_rate, video.frames, video.start_time) == (30, 60, 0)
        assert container.duration == 2_000_000
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", 48_000, 2)


@pytest.mark.parametrize("render", [animatic.render, animatic.render_tiny])
def test_a_clip_starts_and_ends_on_the_given_pictures(scene, tmp_path, render):
    shown = frames(rendered(scene, tmp_path / "clip.mp4", render))
    assert difference(shown[0], fitted(scene.first, SIZE)) < 4
    assert difference(shown[-1], fitted(scene.last, SIZE)) < 4


@pytest.mark.parametrize("render", [animatic.render, animatic.render_tiny])
@pytest.mark.parametrize("end", ["first", "last"])
def test_a_clip_that_drifts_shows_another_picture_at_that_end_alone(scene, tmp_path, render, end):
    shown = frames(rendered(replace(scene, seconds=1, drifts=(end,)), tmp_path / "clip.mp4", render))
    ends = {
        "first": difference(shown[0], fitted(scene.first, SIZE)),
        "last": difference(shown[-1], fitted(scene.last, SIZE)),
    }
    assert ends.pop(end) > 50
    assert max(ends.values()) < 4


def test_the_picture_moves_all_the_way_and_never_jumps(scene, tmp_path):
    shown = frames(rendered(scene, tmp_path / "clip.mp4"))
    whole_way = difference(shown[0], shown[-1])
    steps = [difference(one, other) for one, other in pairwise(shown)]
    assert max(steps) < whole_way / 10
    middle = shown[len(shown) // 2]
    assert difference(middle, shown[0]) > whole_way / 4
    assert difference(middle, shown[-1]) > whole_way / 4


def test_a_picture_alone_is_moved_in_on(scene, tmp_path):
    shown = frames(rendered(replace(scene, last=None), tmp_path / "clip.mp4"))
    assert difference(shown[0], fitted(scene.first, SIZE)) < 4
    assert difference(shown[-1], shown[0]) > 1


def test_a_silent_model_makes_no_sound(scene, tmp_path):
    with av.open(rendered(replace(scene, has_sound=False), tmp_path / "clip.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_sound_fades_in_and_out_and_never_shouts(scene, tmp_path):
    with av.open(rendered(scene, tmp_path / "clip.mp4", animatic.render_tiny)) as container:
        loudness = [
            max(abs(sample) for sample in memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples])
            for frame in container.decode(audio=0)
        ]
    assert 0.02 < max(loudness) < 0.3
    assert loudness[0] < max(loudness) / 4 > loudness[-1]


@pytest.mark.parametrize("render", [animatic.render, animatic.render_tiny])
def test_equal_scenes_give_equal_bytes(scene, tmp_path, render):
    digests = {
        hashlib.sha256(rendered(scene, tmp_path / name, render).read_bytes()).digest() for name in ("a.mp4", "b.mp4")
    }
    assert len(digests) == 1


def test_another_seed_moves_differently(scene, tmp_path):
    one = rendered(scene, tmp_path / "a.mp4").read_bytes()
    other = rendered(replace(scene, seed=8), tmp_path / "b.mp4").read_bytes()
    assert one != other


def test_seeds_choose_among_moves_that_differ_to_the_eye():
    views = {
        tuple(round(edge * 1280) for time in (0.3, 0.5, 0.7) for edge in chosen(seed, 5, settles=True).view(time))
        for seed in range(40)
    }
    assert len(views) == 40
    lefts = [view[4] for view in views]
    tops = [view[5] for view in views]
    assert min(lefts) < 30 < 110 < max(lefts)
    assert min(tops) < 30 < 110 < max(tops)


@pytest.mark.parametrize("seconds", [2, 5, 30])
def test_a_camera_begins_and_ends_on_the_whole_picture_and_never_looks_past_its_edge(seconds):
    for seed in range(60):
        camera = chosen(seed, seconds, settles=True)
        assert camera.view(0.0) == camera.view(1.0) == (0.0, 0.0, 1.0, 1.0)
        assert (camera.weight(0.0), camera.weight(1.0)) == (0.0, 1.0)
        for step in range(101):
            left, top, right, bottom = camera.view(step / 100)
            assert 0 <= left < right <= 1 + 1e-9
            assert 0 <= top < bottom <= 1 + 1e-9


@pytest.fixture
def grey(tmp_path):
    """A scene in which only the lettering can be seen."""
    path = tmp_path / "grey.png"
    Image.new("RGB", SIZE, (128, 128, 128)).save(path)
    still = StoredFile(path, "grey", path.stat().st_size)
    return Scene(
        width_px=SIZE[0], height_px=SIZE[1], seconds=2, first=still, last=still, has_sound=False, has_watermark=False,
        seed=7, burn_in=BurnIn(name="roof_030@seed=2", seed=2),
    )  # fmt: skip


def lettered(picture, box):
    """How far the lettering in a part of a grey picture stands out."""
    low, high = picture.convert("L").crop(box).getextrema()
    return high - low


NAME, CLOCK, MARK = (0, 0, 270, 40), (400, 0, 544, 40), (0, 274, 120, 304)


def test_take_and_timecode_stand_in_the_picture_but_never_in_the_first_and_the_last(grey, tmp_path):
    shown = frames(rendered(grey, tmp_path / "clip.mp4"))
    assert all(lettered(shown[30], box) > 60 for box in (NAME, CLOCK))
    assert lettered(shown[30], MARK) > 15
    assert lettered(shown[30], (0, 60, 544, 250)) < 10, "the picture itself stays free"
    for picture in (shown[0], shown[1], shown[-2], shown[-1]):
        assert lettered(picture, (0, 0, *SIZE)) < 10
    assert difference(shown[30].crop(CLOCK), shown[31].crop(CLOCK)) > 0.1, "the timecode runs"


def test_without_a_burn_in_only_the_mark_is_left(grey, tmp_path):
    shown = frames(rendered(replace(grey, burn_in=None), tmp_path / "clip.mp4"))
    assert lettered(shown[30], NAME) < 10 > lettered(shown[30], CLOCK)
    assert lettered(shown[30], MARK) > 15


def test_scenes_that_differ_in_their_burn_in_alone_are_two():
    scene = Scene(
        width_px=640, height_px=360, seconds=2, first=RemoteFile("a"), last=None, has_sound=False, has_watermark=False,
        seed=7,
    )  # fmt: skip
    named = [replace(scene, burn_in=BurnIn(name=name, seed=1)) for name in ("a", "b", "a")]
    assert named[0].digest == named[2].digest != named[1].digest != scene.digest


@pytest.mark.parametrize("name", ["屋顶_030", "крыша", "a\nb\x1b[31m", "x" * 200, "", "🎬"])
@pytest.mark.parametrize("size", [(1280, 720), (400, 736), (240, 1920), (64, 64)])
def test_any_name_fits_into_any_picture(name, size):
    grey_planes = from_picture(Image.new("RGB", size, (128, 128, 128)))
    slate = Slate(BurnIn(name=name, seed=2**31 - 1), size, 60, 30, 0)
    assert slate.over(grey_planes, 0) is slate.over(grey_planes, 59) is grey_planes
    assert slate.over(grey_planes, 30).size == size


def test_letters_that_the_font_lacks_are_escaped():
    font = ImageFont.load_default(20)
    assert spelled("roof_030@lens=50mm", font) == "roof_030@lens=50mm"
    assert spelled("屋_1\n", font) == "\\u5c4b_1\\n"


def test_every_clip_is_marked_and_watermarked_only_on_request(scene, tmp_path):
    scene = replace(scene, has_sound=False, last=None)
    marked = frames(rendered(scene, tmp_path / "a.mp4", animatic.render_tiny))[30]
    watermarked = frames(rendered(replace(scene, has_watermark=True), tmp_path / "b.mp4", animatic.render_tiny))[30]
    width, height = SIZE
    lower_left, lower_right = (0, height - 30, 100, height), (width - 150, height - 40, width, height)
    plain = fitted(scene.first, SIZE)

    def contrast(picture, box):
        return max(high for _, high in ImageChops.difference(picture.crop(box), plain.crop(box)).getextrema())

    assert contrast(marked, lower_left) > 25
    assert contrast(marked, lower_right) < 25 < contrast(watermarked, lower_right)


def test_a_clip_that_is_continued_opens_the_film(scene, pictures, tmp_path):
    opening = rendered(replace(scene, has_sound=False), tmp_path / "opening.mp4")
    clip = StoredFile(opening, "opening", opening.stat().st_size)
    going_on = replace(scene, first=clip, goes_on=True, last=pictures[0], seconds=4, has_sound=False)
    shown, opened = frames(rendered(going_on, tmp_path / "film.mp4")), frames(opening)
    assert len(shown) == 120
    assert max(difference(shown[index], opened[index]) for index in (0, 30, 59)) < 4
    assert difference(shown[-1], fitted(pictures[0], SIZE)) < 4


@pytest.mark.parametrize("how", recordings.TURNS, ids=lambda how: how.name)
def test_a_clip_that_is_continued_is_what_players_show_of_it(how, tmp_path):
    path = recordings.clip(tmp_path / "clip.mp4", seconds=0.2, size=(96, 64), marked=True)
    stored = frames(path)[0]
    clip = StoredFile(recordings.turn(path, how), "turned", 1)
    size = limits.shape({"first_clip": clip})
    assert size == stored.transpose(how).size
    assert difference(next(moving(clip, size, 10)), stored.transpose(how)) < 1


def test_a_given_sound_is_heard_and_then_silence(scene, tmp_path):
    given = rendered(replace(scene, last=None), tmp_path / "given.mp4", animatic.render_tiny)
    driven = replace(scene, seconds=4, driving_audio=StoredFile(given, "given", 1))
    with av.open(rendered(driven, tmp_path / "clip.mp4", animatic.render_tiny)) as container:
        assert container.duration == 4_000_000
        sound = [
            (frame.time, max(memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples]))
            for frame in container.decode(audio=0)
        ]
    assert max(level for time, level in sound if time < 2) > 0.02
    assert max(level for time, level in sound if time > 2.5) < 0.001


def test_a_remote_picture_is_a_card_that_differs_by_address():
    one, other = (placeholder(f"https://pictures.example/{name}.png") for name in ("a", "b"))
    assert one.size == (1280, 720)
    assert difference(one, other) > 0
    assert fitted(RemoteFile("https://pictures.example/a.png"), SIZE).size == SIZE


def test_a_film_is_given_up_when_nobody_waits(scene, tmp_path):
    with pytest.raises(animatic.Stopped):
        animatic.render(scene, tmp_path / "clip.mp4", lambda: True)
