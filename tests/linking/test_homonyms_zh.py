"""Chinese names that mean two things each, told apart by the graph: sentences of our own, without spaces.

A row is a name, and for each of its two meanings what the graph joins it to and a sentence. Half of the
sentences have Latin letters, digits or traditional characters in them.
"""

from dataclasses import replace

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.linker import Linker
from loregraft.linking.settings import LinkSettings

HOMONYMS = [
    (
        "苹果",
        (["手机", "库克"], "库克说苹果明年会卖更多的手机。"),
        (["果树", "梨"], "果园里的果树结满了苹果和梨。"),
    ),
    (
        "小米",
        (["雷军", "智能电视"], "雷军带着小米推出了5G智能电视。"),
        (["粥", "杂粮"], "早上喝一碗小米粥,多吃杂粮。"),
    ),
    (
        "杜鹃",
        (["布谷鸟", "鸟巢"], "布谷鸟就是杜鹃,常占别的鸟巢。"),
        (["花卉", "盆景"], "阳台上的盆景里开着杜鹃,是名贵花卉。"),
    ),
    (
        "白头翁",
        (["鸟类", "树枝"], "一只白头翁停在树枝上,这种鸟类很常见。"),
        (["中药", "痢疾"], "白头翁是一味中药,可治痢疾。"),
    ),
    (
        "长城",
        (["汽车", "SUV"], "长城今年发布的SUV汽车卖得很好。"),
        (["居庸关", "古迹"], "游客登上居庸关,长城这一古迹十分雄伟。"),
    ),
    (
        "红楼梦",
        (["曹雪芹", "小说"], "曹雪芹写的红楼梦是一部小说。"),
        (["电视剧", "导演"], "1987版红楼梦电视剧的导演去世了。"),
    ),
    (
        "李白",
        (["诗人", "杜甫"], "李白与杜甫都是唐代的诗人。"),
        (["歌曲", "李荣浩"], "李荣浩唱的李白是一首歌曲。"),
    ),
    (
        "黄河",
        (["河流", "泥沙"], "黄河这条河流含有大量泥沙。"),
        (["钢琴协奏曲", "郎朗"], "郎朗演奏了黄河,一首钢琴协奏曲。"),
    ),
    (
        "天王星",
        (["太阳系", "海王星"], "太阳系里天王星在海王星之前。"),
        (["乐队", "演唱会"], "天王星是个新乐队,周末有LIVE演唱会。"),
    ),
    (
        "病毒",
        (["流感", "COVID-19疫苗"], "COVID-19疫苗能防这种病毒,也能减轻流感。"),
        (["电脑", "杀毒软件"], "电脑中了病毒,快装杀毒软件。"),
    ),
    (
        "窗口",
        (["玻璃", "窗帘"], "窗口的玻璃脏了,窗帘也该洗。"),
        (["操作系统", "Linux"], "Linux操作系统里可以关掉这个窗口。"),
    ),
    ("包袱", (["行李", "布"], "他背着行李和一个布包袱。"), (["相声", "捧哏"], "相声里的捧哏把包袱抖响了。")),
    (
        "龙井",
        (["绿茶", "西湖"], "西湖边喝一杯龙井,好绿茶。"),
        (["延边", "朝鲜族"], "龙井在延边,朝鲜族人口多。"),
    ),
    ("玉米", (["饲料", "大豆"], "玉米和大豆都是饲料。"), (["粉丝", "李宇春"], "李宇春的粉丝叫玉米。")),
    (
        "转移",
        (["肿瘤", "淋巴结"], "肿瘤已有转移,侵入淋巴结。"),
        (["财产", "账户"], "他把财产转移到海外账户。"),
    ),
    ("石头", (["剪刀", "猜拳"], "猜拳时石头赢剪刀。"), (["矿山", "花岗岩"], "矿山的石头多是花岗岩。")),
    (
        "东方",
        (["太阳", "地平线"], "太阳从东方的地平线升起。"),
        (["航空公司", "班机"], "这家航空公司东方的班机晚点了。"),
    ),
    (
        "大象",
        (["非洲", "象牙"], "非洲的大象因象牙被猎杀。"),
        (["出版社", "图书"], "大象出版社的图书很有名。"),
    ),
    ("高峰", (["登山", "雪山"], "登山队爬上雪山的高峰。"), (["地铁", "拥堵"], "早上地铁到了高峰,非常拥堵。")),
    (
        "黄金",
        (["首饰", "珠宝店"], "珠宝店的黄金首饰降价了。"),
        (["足球", "门将"], "足球比赛里门将是黄金一代。"),
    ),
]
TRADITIONAL = {
    "庫克說蘋果明年會賣更多的手機。": ("苹果", 0),
    "電腦中了病毒,快裝殺毒軟件。": ("病毒", 1),
    "遊客登上居庸關,長城這一古蹟十分雄偉。": ("长城", 1),
    "李榮浩唱的李白是一首歌曲。": ("李白", 1),
    "非洲的大象因象牙被獵殺。": ("大象", 0),
}


def graph():
    """Both meanings of a name have it alone, so that nothing but the joined entities tells them apart."""
    names = [(f"{name}-{place}", name) for name, *senses in HOMONYMS for place in range(len(senses))]
    near = {other for _, *senses in HOMONYMS for others, _ in senses for other in others}
    names += [(other, other) for other in sorted(near)]
    triples = [
        (f"{name}-{place}", other)
        for name, *senses in HOMONYMS
        for place, (others, _) in enumerate(senses)
        for other in others
    ]
    columns = {"entity": [id for id, _ in names], "name": [name for _, name in names]}
    ends = {"head": [head for head, _ in triples], "tail": [tail for _, tail in triples]}
    relations = {"relation": ["joined"] * len(triples)}
    return KnowledgeGraph.gather(
        [Columns("names", columns), Columns("triples", ends | relations)], source="test"
    )


@pytest.fixture(scope="module")
def linker():
    return Linker.build(graph(), settings=LinkSettings(simplify=True, nil=0.0))


def share_right(linker, texts):
    """Give the share of the sentences whose name is linked to the meaning that is meant."""
    links = linker.links(list(texts))
    right = 0
    for (name, place), text, found in zip(texts.values(), texts, links, strict=True):
        meant = [link.entity for link in found if link.entity and link.entity.startswith(f"{name}-")]
        assert all(text[link.mention.start : link.mention.end] == link.mention.text for link in found)
        right += meant == [f"{name}-{place}"]
    return right / len(texts)


SIMPLIFIED = {sense[1]: (name, place) for name, *senses in HOMONYMS for place, sense in enumerate(senses)}


@pytest.mark.parametrize("texts", [SIMPLIFIED, TRADITIONAL], ids=["simplified", "traditional"])
def test_the_graph_tells_homonyms_apart(linker, texts):
    without_words = replaced_weight(linker, "context", 0.0)
    assert share_right(without_words, texts) >= 0.95
    assert share_right(linker, texts) >= 0.95


def test_without_the_graph_they_are_not_told_apart(linker):
    alone = replaced_weight(linker.with_settings(coherence=False), "context", 0.0)
    assert 0.4 <= share_right(alone, SIMPLIFIED) <= 0.6


def replaced_weight(linker, feature, value):
    return replace(linker, weights=linker.weights.changed(**{feature: value}))
