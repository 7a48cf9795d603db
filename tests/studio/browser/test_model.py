"""The page's model with a server of the test's own: in which order answers come, what is on the screen at the end."""

from typing import Any

import pytest

from studio.browser.conftest import OpenStudio

pytestmark = pytest.mark.browser

_MODEL = """async () => {
  const { createModel } = await import("/static/model.js");
  const asked = [];
  const drawn = [];
  const request = (kind, settings, { fields }) =>
    new Promise((answer, fail) => asked.push({ of: settings.n, ...fields, answer, fail }));
  const onAnswer = ({ settings, payload }) => drawn.push([settings.n, payload]);
  const host = { lane: "x", onWish() {}, onStep() {}, onFault() {}, onAnswer };
  const model = createModel({ request }, host);
  const pause = (ms = 5) => new Promise((go) => setTimeout(go, ms));
  const change = async (n) => { model.change({ n }, { settled: true, cause: "" }); await pause(); };
  const answer = async (at, reply) => { asked[at].answer(reply); await pause(); };
  const until = async (count) => { for (let k = 0; asked.length < count && k < 400; k += 1) await pause(); };
  const ask = (at) => asked[at] === undefined ? null : [asked[at].of, asked[at].detail, asked[at].frame];
  await change("A");
  await until(1);
  await answer(0, { payload: "ground A", frame: "F1" });
  %s
}"""


@pytest.fixture
def played(open_studio: OpenStudio) -> Any:
    page = open_studio("#/runs").page
    return lambda story: page.evaluate(_MODEL % story)


def test_a_part_is_drawn_only_on_the_ground_it_was_asked_for(played: Any) -> None:
    found = played("""
      await change("B");
      await answer(1, { part: "B on A", frame: "F1" });
      await until(3); // B has settled, and all of it is asked for
      await change("A"); // back again, before that has come
      const draft = ask(3);
      await answer(2, { payload: "ground B", frame: "F2" });
      await answer(3, { part: "A on A", frame: "F1" });
      await until(5);
      const whole = ask(4);
      await answer(4, { payload: "ground A", frame: "F1" });
      await pause(300);
      return { draft, whole, asked: asked.length, drawn };""")
    assert found["draft"] == ["A", "draft", "F1"]
    assert found["whole"] == ["A", "full", "F2"]  # and so the server sends all of it, with its zones
    assert ["A", "A on A"] not in found["drawn"]
    assert found["drawn"][-1] == ["A", "ground A"]
    assert found["asked"] == 5


def test_a_whole_part_for_windows_that_are_gone_is_asked_for_again(played: Any) -> None:
    found = played("""
      await change("B");
      await answer(1, { part: "B on A", frame: "F1" });
      await until(3);
      await change("A");
      await until(4);
      model.renew({ n: "A" }); // all of it once more, whatever is held
      await answer(2, { part: "B moved", frame: "F1" });
      await answer(3, { part: "A on A", frame: "F1" });
      await until(5);
      return { last: ask(4), drawn };""")
    assert found["last"] == ["A", "full", None]
    assert found["drawn"] == [["A", "ground A"], ["B", "B on A"]]


def test_an_older_answer_that_comes_late_is_not_drawn(played: Any) -> None:
    found = played("""
      await change("B");
      await answer(1, { part: "B", frame: "F1" });
      await until(3); // all of B, which takes long
      await change("C");
      await answer(3, { part: "C", frame: "F1" });
      await answer(2, { part: "all of B", frame: "F1" });
      return { asked: [ask(2), ask(3)], drawn };""")
    assert found["asked"] == [["B", "full", "F1"], ["C", "draft", "F1"]]
    assert found["drawn"] == [["A", "ground A"], ["B", "B"], ["C", "C"]]


def test_a_slow_drag_still_redraws(played: Any) -> None:
    found = played("""
      for (const n of ["B", "C", "D"]) await change(n);
      await answer(1, { part: "B", frame: "F1" });
      await answer(2, { part: "D", frame: "F1" });
      return { asked: asked.slice(1, 3).map(({ of }) => of), drawn };""")
    assert found["asked"] == ["B", "D"]  # of those that wait the newest
    assert found["drawn"] == [["A", "ground A"], ["B", "B"], ["D", "D"]]


def test_back_at_what_is_shown_while_another_answer_is_on_its_way(played: Any) -> None:
    found = played("""
      await change("B");
      asked[1].fail({ reason: "dropped", message: "" }); // nothing of B was drawn
      await until(3); // all of it is under way
      await change("A"); // and A is on the screen, whole
      await answer(2, { payload: "ground B", frame: "F2" });
      await until(4);
      const next = ask(3);
      await answer(3, { payload: "ground A", frame: "F1" });
      await pause(300);
      return { next, drawn };""")
    assert found["next"][0] == "A"
    assert found["drawn"][-1] == ["A", "ground A"]
