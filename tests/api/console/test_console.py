"""A person drives the console in a real browser: creates, teaches, tries, sees why, forgets, and can prove it."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.api.console.browsing import Console
from tests.api.serving import Served, served

import protomem
from protomem_api import Settings

NUMBERS = count(1)
MISCHIEF = '<img src=x onerror="document.title=1">'


def name_of(path: str) -> str:
    return path.rpartition("/")[2]


def shown(page: Page, term: str) -> str:
    return page.locator(f".facts div:has(dt:text-is('{term}')) dd").inner_text()


def test_a_key_is_asked_for_and_stays_in_the_session(tab: Console, key: str) -> None:
    page = tab.open("/")
    page.get_by_label("Key", exact=True).fill("pm_unknown")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("does not know this key")
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Memories", exact=True)).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('protomem-key')") == key
    assert key not in page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", name="API key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_from_nothing_to_a_memory_that_answers_and_forgets(tab: Console, key: str, admin: httpx.Client) -> None:
    name = f"console-{next(NUMBERS)}"
    page = tab.open("/", key)

    page.get_by_role("button", name="New memory").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("What it takes").select_option("other")
    page.get_by_label("Name of the encoder").fill("letters")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()

    for label, subject, texts in (
        ("delivery", "ann", "where is my parcel\nthe parcel is late"),
        ("refund", "bob", "give me my money back\nrefund my money\nmoney back please"),
    ):
        page.get_by_label("Texts").fill(texts)
        page.get_by_label("Label", exact=True).fill(label)
        page.get_by_label("Subject").fill(subject)
        page.get_by_role("button", name="Teach", exact=True).click()
        expect(page.get_by_role("article").first).to_contain_text(f"As {label}.")
    expect(page.locator(".facts .live dd").first).to_have_text("5")
    assert (shown(page, "Examples"), shown(page, "Classes")) == ("5", "2")

    page.get_by_role("link", name="Try").click()
    page.get_by_label("Text", exact=True).fill("is my parcel late")
    page.keyboard.press("Control+Enter")
    answer = page.get_by_role("article", name="The answer")
    told = admin.post(
        f"/v1/memories/{name}/predict",
        json={"items": ["is my parcel late"], "coverage": 0.9, "false_alarm": 0.05, "explain": True},
    ).json()["answers"][0]
    best = told["ranking"][0]
    expect(answer.locator(".ranking li").first).to_contain_text(best["label"])
    expect(answer.locator(".ranking .share").first).to_contain_text(f"{best['probability'] * 100:.0f}")
    expect(answer.locator(".evidence li").first).to_contain_text(told["evidence"][0]["item"])
    expect(answer.locator(".evidence li")).to_have_count(3)
    expect(answer.get_by_role("heading", name="Novelty")).to_be_visible()
    expect(answer.get_by_text(f"p {told['novelty']:.2f}")).to_be_visible()
    expect(answer.locator(".chip.accent")).to_have_text(told["label_set"])
    expect(answer.locator(".parts tbody tr")).to_have_count(len(told["explanation"]["parts"]))

    page.get_by_role("link", name="Forget").click()
    page.get_by_label("Subject", exact=True).last.fill("ann")
    page.get_by_role("button", name="Show what will go").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Forget 2 examples of ann?")
    expect(question).to_contain_text("where is my parcel")
    expect(question).not_to_contain_text("money")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert shown(page, "Examples") == "5"
    page.get_by_role("button", name="Show what will go").click()
    question.get_by_role("button", name="Forget 2 examples").click()
    expect(page.locator(".facts .live dd").first).to_have_text("3")
    assert admin.get(f"/v1/memories/{name}/classes").json()["classes"] == {"refund": 3}

    page.get_by_role("link", name="Receipts").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Forget")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    lines = Path(waiting.value.path()).read_text(encoding="utf-8").splitlines()
    public_key = admin.get(f"/v1/memories/{name}").json()["public_key"]
    receipts = [protomem.Receipt.from_json(line) for line in lines]
    assert [one.kind for one in receipts] == ["learn", "learn", "forget"]
    assert all(check.ok for check in protomem.audit_chain(receipts, public_key))


def test_receipts_of_merges_are_of_clients(tab: Console, key: str, admin: httpx.Client) -> None:
    name = "merged-console"
    admin.post("/v1/memories", json={"name": name, "encoder": "vectors:2", "width": 8})
    with protomem.open(None, encoder="vectors:2", width=8) as clinic:
        clinic.learn([[1, 0], [0, 1]], ["east", "north"])
        part = clinic.contribution("clinic-7").to_bytes()
    headers = {"Content-Type": "application/octet-stream"}
    assert admin.post(f"/v1/memories/{name}/merge", content=part, headers=headers).is_success
    assert admin.post(f"/v1/memories/{name}/withdraw", json={"client": "clinic-7"}).is_success
    page = tab.open(f"/m/{name}/receipts", key)
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    for row, word in ((rows.first, "Withdraw"), (rows.last, "Merge")):
        expect(row).to_contain_text(word)
        expect(row).to_contain_text("1 client")


def test_an_answer_is_corrected_where_it_is_read(tab: Console, key: str, texts: str, admin: httpx.Client) -> None:
    page = tab.open(f"/m/{name_of(texts)}/try", key)
    page.get_by_label("Text", exact=True).fill("my card was lost")
    page.get_by_role("button", name="Ask").click()
    page.get_by_text("Right or wrong? Teach this item").click()
    page.get_by_label("It should be").fill("card; lost")
    page.get_by_role("button", name="Teach it").click()
    expect(page.get_by_text("Learned 1 example. Ask again")).to_be_visible()
    assert admin.get(f"{texts}/classes").json()["classes"] == {"card": 1, "delivery": 2, "lost": 1, "refund": 2}


def test_vectors_are_read_as_they_are_written(tab: Console, key: str, points: str) -> None:
    page = tab.open(f"/m/{name_of(points)}/try", key)
    box = page.get_by_label("Vector", exact=True)
    for typed, problem in (("1 2 3", "has 3 numbers"), ("1, x", "is no vector")):
        box.fill(typed)
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("alert")).to_contain_text(problem)
    for typed in ("[0.9, 0.2]", "0.9 0.2", "0.9;\n0.2"):
        box.fill(typed)
        page.get_by_role("button", name="Ask").click()
        expect(page.locator(".ranking li").first).to_contain_text("east")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_classes_are_sorted_filtered_and_opened(tab: Console, key: str, texts: str, admin: httpx.Client) -> None:
    admin.post(f"{texts}/learn", json={"items": ["hello"], "labels": ["greeting"], "ids": ["t9"]})
    page = tab.open(f"/m/{name_of(texts)}/classes", key)
    names = page.locator("tbody tr th")
    expect(names).to_have_text(["delivery", "refund", "greeting"])
    page.get_by_role("button", name="Label").click()
    expect(names).to_have_text(["delivery", "greeting", "refund"])
    expect(page.get_by_role("columnheader", name="Label")).to_have_attribute("aria-sort", "ascending")
    page.get_by_label("Filter classes by name").fill("EF")
    expect(names).to_have_text(["refund"])
    page.get_by_role("button", name="refund", exact=True).click()
    expect(page.locator(".examples li").first).to_contain_text("give me my money back")
    page.get_by_role("button", name="Forget t3").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget 1 example").click()
    expect(page.locator("tbody td .count-cell")).to_have_text(["1"])


def test_the_map_shows_who_is_near_whom(tab: Console, key: str, texts: str, admin: httpx.Client) -> None:
    admin.post(f"{texts}/learn", json={"items": ["hello you", "hello there"], "labels": ["greeting"] * 2})
    page = tab.open(f"/m/{name_of(texts)}/map", key)
    drawn = page.locator(".map-frame canvas")
    expect(drawn).to_be_visible()
    page.wait_for_function(f"({COLOURS})().size > 2")
    before = page.evaluate(PICTURE)
    page.get_by_role("group", name="Map of 3 classes").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(PICTURE) != before
    page.keyboard.press("0")
    assert page.evaluate(PICTURE) == before
    page.get_by_label("Who is near").select_option("refund")
    nearest = next(one for one in admin.get(f"{texts}/map").json()["classes"] if one["label"] == "refund")["nearest"]
    expect(page.locator(".near .link")).to_have_text([one["label"] for one in nearest])
    assert page.evaluate(PICTURE) != before
    page.locator(".near .link").first.click()
    expect(page.get_by_label("Who is near")).to_have_value(nearest[0]["label"])


PICTURE = "document.querySelector('.map-frame canvas').toDataURL()"
COLOURS = """() => {
  const canvas = document.querySelector(".map-frame canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer));
}"""


def test_numbers_follow_what_others_change(tab: Console, key: str, texts: str, admin: httpx.Client) -> None:
    tab.page.clock.install()
    page = tab.open(f"/m/{name_of(texts)}/classes", key)
    expect(page.locator("tbody tr")).to_have_count(2)
    admin.post(f"{texts}/learn", json={"items": ["hello"], "labels": ["greeting"]})
    page.clock.run_for(4_000)
    expect(page.locator("tbody tr")).to_have_count(3)
    assert shown(page, "Examples") == "5"


def test_what_was_taught_is_text_and_never_part_of_the_page(tab: Console, key: str, admin: httpx.Client) -> None:
    name = f"console-{next(NUMBERS)}"
    admin.post("/v1/memories", json={"name": name, "encoder": "letters", "retain": "items", "width": 64})
    admin.post(
        f"/v1/memories/{name}/learn",
        json={"items": [MISCHIEF, "b"], "labels": [MISCHIEF, "b"], "ids": [MISCHIEF, "b"], "subjects": [MISCHIEF, "b"]},
    )
    page = tab.open(f"/m/{name}/classes", key)
    page.get_by_role("button", name=MISCHIEF, exact=True).click()
    expect(page.locator(".examples li")).to_contain_text(MISCHIEF)
    page.get_by_role("link", name="Try").click()
    page.get_by_label("Text", exact=True).fill(MISCHIEF)
    page.get_by_role("button", name="Ask").click()
    expect(page.locator(".evidence li").first).to_contain_text(MISCHIEF)
    page.get_by_role("link", name="Map").click()
    page.get_by_label("Who is near").select_option(MISCHIEF)
    expect(page.locator(".near .link")).to_have_text(["b"])
    page.get_by_role("link", name="Forget").click()
    page.get_by_label("Subject", exact=True).last.fill(MISCHIEF)
    page.get_by_role("button", name="Show what will go").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"of {MISCHIEF}?")
    assert page.locator("main img, dialog img").count() == 0
    assert page.title() != "1"


def test_a_memory_of_sums_alone_hands_out_receipts_that_forget(tab: Console, key: str, admin: httpx.Client) -> None:
    name = f"console-{next(NUMBERS)}"
    admin.post("/v1/memories", json={"name": name, "encoder": "vectors:2", "retain": "nothing", "width": 64})
    page = tab.open(f"/m/{name}/teach", key)
    page.get_by_label("Vectors", exact=True).fill("1 0\n0.9 0.1")
    page.get_by_label("Label", exact=True).fill("east")
    page.get_by_role("button", name="Teach", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save the receipt").click()
    receipt = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert len(json.loads(receipt)["content"]) == 2
    page.get_by_role("link", name="Try").click()
    page.get_by_label("Vector", exact=True).fill("1 0.1")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("article", name="The answer")).to_contain_text("east")
    page.get_by_role("link", name="Forget").click()
    page.get_by_label("Receipt", exact=True).last.fill(receipt)
    page.get_by_role("button", name="Show what will go").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget 2 examples").click()
    expect(page.locator(".facts .live dd").first).to_have_text("0")


def test_a_key_that_may_only_read_is_told_so(tab: Console, server: Served, texts: str) -> None:
    reader = server.client("read").headers["Authorization"].removeprefix("Bearer ")
    page = tab.open(f"/m/{name_of(texts)}/teach", reader)
    page.get_by_label("Texts").fill("hello")
    page.get_by_label("Label", exact=True).fill("greeting")
    page.get_by_role("button", name="Teach", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("this key may only read")


def test_a_memory_is_deleted_by_its_name(tab: Console, key: str, points: str, admin: httpx.Client) -> None:
    page = tab.open(f"/m/{name_of(points)}/forget", key)
    page.get_by_role("button", name="Delete…").click()
    gone = page.get_by_role("button", name="Delete for good")
    expect(gone).to_be_disabled()
    page.get_by_label("to go on").fill(name_of(points))
    gone.click()
    expect(page.get_by_role("heading", name="Memories", exact=True)).to_be_visible()
    assert admin.get(points).status_code == 404


def test_a_page_that_nobody_looks_at_asks_for_nothing(tab: Console, key: str, texts: str) -> None:
    tab.page.clock.install()
    page = tab.open(f"/m/{name_of(texts)}/classes", key)
    expect(page.locator("tbody tr")).to_have_count(2)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.clock.run_for(60_000)
    assert asked == []
    with page.expect_response("**/classes"):
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    assert len(asked) == 1


def test_the_colours_are_chosen_and_kept(tab: Console, key: str) -> None:
    page = tab.open("/", key)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Colours: auto").click()
    page.get_by_role("button", name="Colours: light").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="Colours: dark").click()
    assert page.evaluate(background) == light


def test_the_keyboard_is_enough(tab: Console, key: str, texts: str) -> None:
    page = tab.open(f"/m/{name_of(texts)}/try", key)
    box = page.get_by_label("Text", exact=True)
    expect(box).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(20):
        page.keyboard.press("Tab")
        if box.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.type("my parcel")
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("article", name="The answer")).to_be_visible()


def test_a_server_without_keys_asks_for_none(tab: Console, tmp_path: Path) -> None:
    with served(Settings(data=tmp_path, auth=False)) as open_to_all:
        tab.url = open_to_all.url
        page = tab.open("/")
        expect(page.get_by_role("heading", name="No memories yet")).to_be_visible()
        expect(page.get_by_role("button", name="Leave")).to_be_hidden()


@pytest.mark.parametrize("path", ["/m/not-there/try", "/m/not-there/map"])
def test_what_is_not_there_is_said(tab: Console, key: str, path: str) -> None:
    page = tab.open(path, key)
    expect(page.get_by_role("alert")).to_contain_text("nothing here that this key may use")
    page.get_by_role("link", name="All memories").click()
    expect(page.get_by_role("heading", name="Memories", exact=True)).to_be_visible()
