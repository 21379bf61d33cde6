"""What a rule finds in a text: which words, about whom, when, and what cues make of it."""

import pytest

from forecast.candidate import Candidate
from jobs.tagging.tagger import MOST_CHARACTERS, body_of
from tests.jobs.tagging.packs import PACK, article, tagger

TAGGER = tagger()


def found(text: str, title: str = "") -> list[Candidate]:
    return TAGGER.tag(article(text, title=title))


def only(text: str, title: str = "") -> Candidate:
    (one,) = found(text, title)
    return one


def spans(one: Candidate, role: str) -> list[str]:
    return [span.text for span in one.spans if span.role == role]


def test_a_hit_knows_its_rule_its_words_and_where_they_stand() -> None:
    text = "Rain again. Dockers walked out at the harbour on Sunday."
    one = only(text)
    assert (one.rule_id, one.tag, one.unit) == ("walkout", "union.walkout", "harbour")
    assert one.sentence == "Dockers walked out at the harbour on Sunday."
    assert [text[span.start : span.end] for span in one.spans] == [s.text for s in one.spans]
    assert spans(one, "hit") == ["walked out"]
    assert spans(one, "needs") == ["Dockers"]
    assert spans(one, "unit") == ["harbour"]
    assert one.reasons[0] == "rule walkout of pack.toml: 'walked out' with 'Dockers'"


@pytest.mark.parametrize(
    "text",
    [
        "Walked out at the harbour.",  # nobody who did
        "An air strike hit the harbour; dockers fled.",  # what is excluded
        "Dockers spoke of strikingly low tides at the harbour.",  # another word
        "The harbour was quiet. Dockers rested. A strike was remembered.",  # not in one sentence
        "Dockers walked out in Antwerp.",  # about nobody whom the pack knows
    ],
)
def test_what_is_no_statement_is_not_found(text: str) -> None:
    pack = PACK.replace('"strike*"]', '"strike", "strikes"]')
    assert tagger(pack).tag(article(text)) == []


def test_words_are_found_in_any_case_form_and_spelling_of_their_characters() -> None:
    assert only("DOCKERS WALKED OUT AT THE HARBOUR.").tag == "union.walkout"
    assert only("Dockers\u2019 walk\u200bouts at the \uff48\uff41\uff52bour.").value == 0.5
    assert only("Dockers walked-out\n at the harbour").tag == "union.walkout"


def test_places_count_in_the_text_as_it_came_whatever_was_folded() -> None:
    text = "Fr\u00fch: \u0130stanbul \ufb01re. The dockers\u2019 wal\u00adkout at the harbour\u2026"
    one = only(text)
    assert spans(one, "hit") == ["wal\u00adkout"]
    assert all(text[s.start : s.end] == s.text for s in one.spans)


def test_a_name_in_capitals_fits_capitals_only() -> None:
    assert only("VR drivers walked out.").unit == "rail"
    assert found("The vr drivers walked out.") == []


def test_a_unit_is_every_name_of_its_combination_beside_the_hit_or_in_the_article() -> None:
    near = only("Railway drivers walked out.")
    far = only("Drivers walked out.", title="The railway: what next")
    assert (near.unit, far.unit) == ("rail", "rail")
    assert far.score < near.score
    assert "unit named in the article" in far.reasons
    assert found("Railway staff rested; crane operators walked out.") == []


def test_a_rule_may_assume_its_unit_and_is_less_sure_then() -> None:
    assumed = only("Talks have resumed.")
    assert (assumed.unit, assumed.tag) == ("harbour", "union.talks")
    assert assumed.score < only("Talks have resumed at the harbour.").score


def test_what_a_rule_needs_may_have_to_stand_near() -> None:
    assert found("Talks about pay for the night shift and for the crews have not resumed.") == []


def test_negation_drops_or_lowers_as_the_rule_says() -> None:
    assert found("The dockers denied a walkout at the harbour.") == []
    lowered = only("The union did not call a ballot at the harbour.")
    assert lowered.value == 0.25
    assert spans(lowered, "cue") == ["did not"]


def test_a_hypothetical_may_be_a_statement_of_another_tag() -> None:
    one = only("Dockers threatened to start a walkout at the harbour.")
    assert (one.tag, one.value) == ("union.threat", 0.3)
    assert "hypothetical 'threatened to': union.threat, value 0.3" in one.reasons


def test_a_cue_bears_only_on_what_is_near_and_after_it() -> None:
    after = "At the harbour dockers began a walkout, which could last."
    far = (
        "It could rain on Monday and Tuesday and Friday when the dockers began a walkout, harbour."
    )
    assert only(after).tag == "union.walkout"
    assert only(far).tag == "union.walkout"


def test_words_beside_a_hit_make_it_stronger() -> None:
    assert only("The largest walkout of dockers at the harbour.").value == 0.9
    assert only("A walkout of dockers at the harbour.").value == 0.5


def test_a_pattern_reads_words_with_a_space_between() -> None:
    one = only("At the harbour, 87 per\ncent  said \u201cyes\u201d.")
    assert one.rule_id == "ballot"
    assert spans(one, "hit") == ["87 per\ncent  said \u201cyes"]


def test_the_day_is_that_of_the_sentence_or_that_of_publication() -> None:
    told = only("Dockers walked out at the harbour on September 2.")
    assert f"{told.occurred_at:%Y-%m-%d}" == "2025-09-02"
    assert spans(told, "date") == ["September 2"]
    assert "'September 2' is 2025-09-02" in told.reasons
    silent = only("Dockers walked out at the harbour.")
    assert f"{silent.occurred_at:%Y-%m-%d}" == "2025-11-25"


def test_of_two_days_the_nearer_to_the_hit_counts() -> None:
    one = only("On 1 November talks failed at the harbour and on 4 November dockers walked out.")
    assert f"{one.occurred_at:%m-%d}" == "11-04"


def test_a_headline_and_its_lead_are_one_statement_and_two_days_are_two() -> None:
    lead = "Dockers at the harbour walked out. It was the first walkout of dockers at the harbour."
    assert only(lead, title="Harbour dockers walk out, a walkout").value == 0.9
    days = (
        "Dockers walked out at the harbour on 3 November. Dockers, harbour: strike on 9 November."
    )
    assert [f"{one.occurred_at:%d}" for one in found(days)] == ["03", "09"]


def test_a_rule_may_allow_several_statements_of_one_day() -> None:
    text = "A ballot opens at the harbour. The harbour pilots plan ballots of their own. Ballots!"
    assert [one.rule_id for one in found(text)] == ["ballot", "ballot"]
    assert len(found("A ballot opens at the harbour. A ballot opens at the harbour!")) == 1


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("HAMINA (Reuters) - Dockers walked out at the harbour.", "Reuters"),
        ("Dockers walked out at the harbour, the Associated Press reported.", "AP"),
        ("Dockers walked out at the harbour, according to AP.", "AP"),
        ("Dockers walked out at the harbour near Reuters Square.", ""),
    ],
)
def test_the_newsroom_that_a_text_draws_on_is_its_origin(text: str, origin: str) -> None:
    assert only(text).origin == origin


def test_what_is_below_the_least_score_is_left_out() -> None:
    text = "Dockers walked out at the harbour. Talks have resumed."
    assert [one.tag for one in tagger(min_score=0.75).tag(article(text))] == ["union.walkout"]


def test_the_same_article_gives_the_same_candidates() -> None:
    text = "Dockers walked out at the harbour on Sunday."
    assert found(text) == tagger().tag(article(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t ",
        "\0" * 5000,
        "\U0001f4a5\U0001f6a2" * 3000,
        "\u202ekrow\u202c \u200b\u200c\u200d" * 2000,
        "walkout" * 20_000,
        "dockers-walkout-harbour" + "a" * 50_000,
        "8" * 30_000 + " per cent said",
        "." * 20_000 + "?!" * 10_000,
        "\ud800 lone \udfff",
        "\u0301" * 20_000,
        "(" * 20_000 + "Reuters",
    ],
)
def test_a_hostile_text_gives_an_answer(text: str) -> None:
    assert isinstance(found(text), list)
    body = text + "\n\nDockers walked out at the harbour."
    assert [one.tag for one in found(body)] == ["union.walkout"]


def test_a_script_without_spaces_is_read_by_its_characters() -> None:
    pack = PACK.replace('"walked out"', '"\u7f62\u5de5"').replace('"harbour"', '"\u6e2f\u53e3"')
    pack = pack.replace('"dockers"', '"\u7801\u5934\u5de5\u4eba"')
    text = "\u7801\u5934\u5de5\u4eba\u5728\u6e2f\u53e3\u7f62\u5de5\u3002"
    (one,) = tagger(pack).tag(article(text))
    assert spans(one, "hit") == ["\u7f62\u5de5"]


def test_ten_megabytes_are_read_up_to_their_limit() -> None:
    flood = "Dockers walked out at the harbour. " + "word and word, and more words. " * 330_000
    assert len(flood) > 10_000_000
    huge = article(flood)
    assert len(body_of(huge)) == MOST_CHARACTERS
    assert [one.tag for one in TAGGER.tag(huge)] == ["union.walkout"]


def test_a_long_sentence_is_read_in_pieces_and_its_places_hold() -> None:
    text = "word " * 3000 + "and dockers walked out at the harbour " + "word " * 3000
    one = only(text)
    assert all(text[s.start : s.end] == s.text for s in one.spans)
