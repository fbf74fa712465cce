"""The demo's Chinese script: exchange of pronouns, memory rules, and texts about the program."""

from __future__ import annotations

import re

from gptchat.providers.demo.data.chinese_rules import KEYWORDS
from gptchat.providers.demo.eliza import Rule, Script

_TURNED = {"我": "你", "你": "我", "您": "我", "咱们": "我们"}
_PRONOUN = re.compile("咱们|我|你|您")


def reflect(fragment: str) -> str:
    """`fragment` with 我 and 你 exchanged, and without final particles."""
    turned = _PRONOUN.sub(lambda match: _TURNED[match[0]], fragment)
    return re.sub("[了吗呢吧啊呀嘛哦]+$", "", turned)


SCRIPT = Script(
    keywords=KEYWORDS,
    memory=(
        Rule("*我的+", ("刚才你说到你的{2}，我们回到那里吧。", "这跟你的{2}有关吗？", "可是你说过：你的{2}。")),
    ),
    otherwise=(
        "请接着说。",
        "这让你想到什么？",
        "我不太确定听懂了，换个说法好吗？",
        "对此你有什么感受？",
        "再多说一点吧。",
        "怎么会提起这个呢？",
    ),
    reflect=reflect,
    spaced=False,
    introduction=(
        "先说实话：我是 **gptchat 的离线演示**，不是语言模型。我什么也不懂，只按几十条规则把你的话转个方向还给你，"
        "学的是 1966 年的 ELIZA。你输入的内容不会离开这台电脑。\n\n"
        "- 输入 `展示`，看看这个终端都能画出什么\n"
        "- 输入 `/connect` 接入真正的模型，`/help` 列出全部命令\n\n"
    ),
    about=(
        (
            "我是 gptchat 的离线演示：几十条规则，学的是魏岑鲍姆（Joseph Weizenbaum）1966 年的 ELIZA。"
            "我背后没有模型，我什么也不懂，你的话也不会离开这台电脑。"
            "`/connect` 接入真正的模型，`展示` 看一遍 Markdown，`/help` 列出命令。"
        ),
        (
            "还是那个演示，还是没有模型：我只做模式匹配，把你的话还给你。不过周围的一切都是真的：会话已保存，"
            "token 在计数（我的窗口只有 4,096，好让你看到旧的对话怎样被略去），"
            "`/undo`、`/retry`、`/export` 都能用。想要回答，请用 `/connect`。"
        ),
    ),
    asks_about=(
        r"[你您](是|叫)(谁|什么|啥|哪)|(什么|哪个|哪种)模型|[你您](到底|真的)?是.{0,6}(真人|人类|人吗|机器人|AI|模型|演示|GPT|ELIZA)"
        r"|[你您](能|会|可以)(做|干)?(些)?(什么|啥)|^\W*(帮助|关于|求助)\W*$|怎么用|如何使用|怎么接入|如何接入|密钥"
        r"|[你您](能|真的)?(听得|看得)?(懂|理解|明白)[我吗么]|自我介绍|介绍(一下)?(你|您)?自己|[你您]的名字|(你|您|这)是.{0,4}演示"
    ),
    asks_tour=r"^\W*(请|请你|给我|能不能|再|来个|现在)*(展示|演示)(?!是|吗)",
    long_text=(
        "这段文字很长：我估计约有 {tokens} 个 token。真正的模型会把它读完；我是演示，只会应付短句。"
        "`/connect` 可以接入一个读得懂的。"
    ),
    picture="这条消息里有图片。我是演示，什么也看不见；有视觉能力的模型可以。",
    tour="tour_chinese.md",
)
