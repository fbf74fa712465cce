"""The demo's English keywords, each with its decomposition patterns and reassembly rules."""

from __future__ import annotations

from gptchat.providers.demo.eliza import Keyword, Rule

_HEAVY = "sad|unhappy|depressed|lonely|tired|afraid|anxious|angry|worried|stuck|lost|stressed"

KEYWORDS = (
    Keyword(
        "sorry|apologise|apologize",
        1,
        (Rule("*", ("No need to be sorry.", "You owe me no apology. What brought it to mind?")),),
    ),
    Keyword(
        "remember|recall",
        5,
        (
            Rule(
                "* i [remember|recall] +",
                (
                    "Does {2} come back to you often?",
                    "What else belongs to {2}?",
                    "Why {2}, and why just now?",
                    "Where in you does {2} live?",
                ),
            ),
            Rule("* do you [remember|recall] *", ("I keep only what is on this page. What about {2}?",)),
        ),
    ),
    Keyword(
        "if",
        3,
        (
            Rule(
                "* if +",
                (
                    "How likely is it, would you say, that {2}?",
                    "And suppose that {2}. What would the day after look like?",
                    "Do you hope that {2}, or fear it?",
                ),
            ),
        ),
    ),
    Keyword(
        "dream|dreamed|dreamt|dreams",
        4,
        (
            Rule(
                "* i [dreamed|dreamt] +",
                ("{2}, really? What was the light like there?", "Have you ever pictured {2} while awake?"),
            ),
            Rule("*", ("What does that dream want of you?", "Who else was in it?", "Do you dream in words?")),
        ),
    ),
    Keyword(
        "mother|mum|mom|father|dad|sister|brother|parents|family|wife|husband|son|daughter",
        6,
        (
            Rule(
                "* my [mother|mum|mom|father|dad|sister|brother|parents|family|wife|husband|son|daughter] +",
                (
                    "Who else in your family {2}?",
                    "What do you feel when you say that your family {2}?",
                    "Has it always been so?",
                ),
            ),
            Rule("*", ("Tell me more about your family.", "Who at home would tell this story differently?")),
        ),
    ),
    Keyword(
        "want|need|wish|would like",
        7,
        (
            Rule(
                "* i [want|need|wish|would like] +",
                (
                    "What would it change for you to have {2}?",
                    "Suppose you soon got {2}. What then?",
                    "Since when have you wanted {2}?",
                    "What stands between you and {2}?",
                ),
            ),
            Rule("* you [want|need] +", ("I want nothing at all; it is restful. Why should {2} matter to me?",)),
        ),
    ),
    Keyword(
        _HEAVY,
        5,
        (
            Rule(
                f"* [i am|i'm|i feel] *[{_HEAVY}]*",
                (
                    "I am sorry to hear it. When did it begin?",
                    "That sounds heavy. What would make it a little lighter today?",
                    "Is there someone near you who could hear this too?",
                ),
            ),
            Rule("*", ("Which part of that weighs the most?", "And what does that do to you?")),
        ),
    ),
    Keyword(
        "happy|glad|better|excited|proud",
        5,
        (
            Rule(
                "* [i am|i'm|i feel] +",
                ("Good. What made you {2}?", "How would someone else notice that you are {2}?"),
            ),
        ),
    ),
    Keyword(
        "i am|i'm",
        2,
        (
            Rule(
                "* [i am|i'm] +",
                (
                    "How long have you been {2}?",
                    "Did you come here because you are {2}?",
                    "What is it like to be {2}?",
                    "Would you rather not be {2}?",
                ),
            ),
        ),
    ),
    Keyword(
        "feel|think|believe|guess",
        3,
        (
            Rule("* i feel +", ("Tell me more about feeling {2}.", "When do you most often feel {2}?")),
            Rule(
                "* i [think|believe|guess] +",
                (
                    "How sure are you that {2}?",
                    "What would it take to doubt that {2}?",
                    "Who taught you that {2}?",
                ),
            ),
        ),
    ),
    Keyword(
        "can't|cannot|could not|couldn't",
        4,
        (
            Rule(
                "* i [can't|cannot|could not|couldn't] +",
                ("What happens when you try to {2}?", "Perhaps you could {2} now?", "Who says you cannot {2}?"),
            ),
        ),
    ),
    Keyword(
        "don't|do not|won't",
        2,
        (
            Rule("* i [don't|do not] know *", ("What if you did know?", "And what would your first guess be?")),
            Rule("* i [don't|do not|won't] +", ("Why not {2}?", "Was there a time when you did {2}?")),
        ),
    ),
    Keyword(
        "because|since",
        1,
        (
            Rule(
                "*",
                (
                    "Is that the whole of the reason?",
                    "What other reason could there be?",
                    "Does that explain more?",
                ),
            ),
        ),
    ),
    Keyword(
        "why",
        2,
        (
            Rule("* why [don't|do not] you +", ("Do you think I should {2}?", "I might {2}, if I were able.")),
            Rule("* why can't i +", ("Do you believe you ought to {2}?", "What have you tried so far?")),
            Rule("*", ("Why do you think?", "What answer would please you most?", "Whom else have you asked?")),
        ),
    ),
    Keyword(
        "you",
        1,
        (
            Rule("* you are +", ("What makes you say I am {2}?", "Would it please you if I were {2}?")),
            Rule("* you + me *", ("What makes you think I {2} you?", "Suppose I did {2} you. What then?")),
            Rule(
                "*", ("We were speaking of you, not of me.", "Let us go back to you.", "I am only a mirror here.")
            ),
        ),
    ),
    Keyword("yes|yeah|certainly|sure", 0, (Rule("*", ("You sound certain.", "I see. Go on.", "And then?")),)),
    Keyword("no|nope|never", 0, (Rule("*", ("Not even a little?", "Why not?", "You say no quickly.")),)),
    Keyword(
        "always|everyone|everybody|nobody|all",
        3,
        (
            Rule(
                "*", ("Can you think of one exception?", "Really without exception?", "Whom do you have in mind?")
            ),
        ),
    ),
    Keyword(
        "maybe|perhaps",
        1,
        (Rule("*", ("What would make you sure?", "You leave a door open. On purpose?")),),
    ),
    Keyword(
        "like|alike|same|similar",
        3,
        (Rule("*", ("In what way?", "What connection do you see?", "And where does the likeness end?")),),
    ),
    Keyword(
        "computer|machine|program|software|code|bug",
        6,
        (
            Rule(
                "*",
                (
                    "Do machines worry you, or only the ones that answer?",
                    "What do you think a program like me has to do with it?",
                    "When it breaks, what do you try first?",
                ),
            ),
        ),
    ),
    Keyword(
        "work|job|boss|project|deadline",
        3,
        (
            Rule(
                "*", ("What would a good day at it look like?", "Who else depends on it?", "And when it is done?")
            ),
        ),
    ),
    Keyword(
        "hello|hi|hey|good morning|good evening",
        0,
        (Rule("*", ("Hello. What is on your mind today?", "Good to see you. What shall we look at?")),),
    ),
    Keyword("thanks|thank", 0, (Rule("*", ("You are welcome. You did the talking.", "With pleasure.")),)),
    Keyword("bye|goodbye", 0, (Rule("*", ("Goodbye. This session is saved; come back to it any day.",)),)),
    Keyword(
        "my",
        2,
        (
            Rule(
                "* my +",
                ("Your {2}?", "Why do you say your {2}?", "What comes to mind when you think of your {2}?"),
            ),
        ),
    ),
)
