"""Replies in many scripts, each with a heading, paragraphs, lists, a table and code: what people read all day."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

BEFORE, AFTER = "BEFORE", "AFTER"
"""Paragraphs that stand around the table, to find it on the screen."""


@dataclass(frozen=True)
class Document:
    """A reply by its parts. `table` is the header and the rows, of three cells each."""

    name: str
    heading: str
    paragraph: str
    items: tuple[str, ...]
    table: tuple[tuple[str, str, str], ...]
    code: tuple[str, ...]

    @property
    def markdown(self) -> str:
        """The reply as a model writes it."""
        header, *rows = (f"| {' | '.join(cells)} |" for cells in self.table)
        return "\n".join(
            [
                f"# {self.heading}\n\n{self.paragraph}\n",
                *(f"- {item}" for item in self.items),
                f"\n{BEFORE}\n",
                *(header, "|---|:-:|--:|", *rows),
                f"\n{AFTER}\n",
                *(f"{number}. {item}" for number, item in enumerate(self.items, 1)),
                *("\n```text", *self.code, "```\n"),
                f"{self.paragraph}\n",
            ]
        )


def _decomposed(document: Document) -> Document:
    """The same with every character decomposed (NFD), as macOS and some models write it."""

    def nfd(text: str) -> str:
        return unicodedata.normalize("NFD", text)

    return Document(
        document.name,
        nfd(document.heading),
        nfd(document.paragraph),
        tuple(map(nfd, document.items)),
        tuple((nfd(one), nfd(two), nfd(three)) for one, two, three in document.table),
        tuple(map(nfd, document.code)),
    )


_LATIN = Document(
    "Latin with combining marks",
    "Über naïve Façaden",
    "Die Brücke über den Fluß wurde größtenteils erneuert, später folgten Wände und Dächer. "
    "Señor Muñoz a reçu la façade dès l’été, après une brève enquête. "
    "Příliš žluťoučký kůň úpěl ďábelské ódy, and everything else is plain English.",
    ("Äpfel, Öl und Übermut", "crème brûlée with café", "zażółć gęślą jaźń"),
    (("Größe", "état", "ciudad"), ("fünf", "déjà vu", "Málaga"), ("zwölf Stück", "naïve", "Łódź")),
    ("größe = 5", "façade = 'dès été'"),
)
_VIETNAMESE = Document(
    "Vietnamese, decomposed",
    "Tiếng Việt",
    "Hà Nội là thủ đô của nước Việt Nam và nằm bên bờ sông Hồng. Mỗi buổi sáng, nhiều người đi bộ quanh hồ "
    "Hoàn Kiếm trước khi uống cà phê. Please read the second chapter trước khi trả lời câu hỏi.",
    ("phở bò và bún chả", "những điều quan trọng nhất", "nguyễn, trần, lê"),
    (("Tên", "Thành phố", "Số"), ("Nguyễn Thị Hương", "Đà Nẵng", "một"), ("Trần Văn Đức", "Huế", "mười bảy")),
    ("tên = 'Nguyễn'", "print(tên)"),
)
_HEBREW = Document(
    "Hebrew with points",
    "שָׁלוֹם עוֹלָם",
    "בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם וְאֵת הָאָרֶץ. וְהָאָרֶץ הָיְתָה תֹהוּ וָבֹהוּ וְחֹשֶׁךְ עַל פְּנֵי תְהוֹם. "
    "The first words in English stand beside יְרוּשָׁלַיִם and are read as usual.",
    ("סֵפֶר טוֹב", "מַיִם וְלֶחֶם", "one word בַּיִת here"),
    (("שֵׁם", "עִיר", "מִסְפָּר"), ("דָּוִד", "יְרוּשָׁלַיִם", "שָׁלוֹשׁ"), ("שָׂרָה", "חֵיפָה", "עֶשֶׂר")),
    ("שֵׁם = 'דָּוִד'", "print(1)"),
)
_ARABIC = Document(
    "Arabic with harakat",
    "السَّلَامُ عَلَيْكُم",
    "ذَهَبَ الطَّالِبُ إِلَى المَدْرَسَةِ فِي الصَّبَاحِ البَاكِرِ وَقَرَأَ كِتَابًا جَدِيدًا. ثُمَّ رَجَعَ إِلَى البَيْتِ وَكَتَبَ رِسَالَةً "
    "إِلَى صَدِيقِهِ. The word كِتَابٌ means book and may stand in an English sentence.",
    ("خُبْزٌ وَمَاءٌ", "مُحَمَّدٌ وَفَاطِمَةُ", "item مَدِينَةٌ here"),
    (("الاِسْمُ", "المَدِينَةُ", "العَدَدُ"), ("مُحَمَّدٌ", "القَاهِرَةُ", "ثَلَاثَةٌ"), ("لَيْلَى", "بَغْدَادُ", "عَشَرَةٌ")),
    ("اِسْم = 'مُحَمَّد'", "print(1)"),
)
_DEVANAGARI = Document(
    "Devanagari",
    "हिन्दी में उत्तर",
    "भारत एक विशाल देश है जहाँ विभिन्न भाषाएँ और संस्कृतियाँ साथ-साथ रहती हैं। हिन्दी की लिपि देवनागरी है, और इसके शब्द स्वर "
    "चिह्नों के साथ लिखे जाते हैं। Please read the file पहले और फिर प्रश्न पूछें।",
    ("किताब और कॉफ़ी", "विद्यार्थी को श्री शर्मा से मिलना है", "स्त्री शक्ति and more"),
    (("नाम", "शहर", "संख्या"), ("श्रीमती मिश्रा", "दिल्ली", "तीन"), ("कृष्ण", "मुंबई और पुणे", "क्षितिज")),
    ("नाम = 'हिन्दी'", "print(नाम)"),
)
_BENGALI = Document(
    "Bengali",
    "বাংলা ভাষা",
    "বাংলাদেশের রাজধানী ঢাকা এবং এর প্রধান নদী বুড়িগঙ্গা। মানুষেরা প্রতিদিন সকালে চা খেয়ে কাজে যায়, সংস্কৃতি ও সাহিত্য এখানে "
    "খুব প্রিয়। Please check the result আগে এবং তারপর উত্তর দিন।",
    ("কোথায় যাচ্ছেন", "মৌমাছি ও ক্ষুদ্র পাখি", "ভালো থাকুন and goodbye"),
    (("নাম", "শহর", "সংখ্যা"), ("রবীন্দ্রনাথ", "কলকাতা", "তিন"), ("সুফিয়া", "চট্টগ্রাম", "কৌশল")),
    ("নাম = 'বাংলা'", "print(নাম)"),
)
_TAMIL = Document(
    "Tamil",
    "தமிழ் மொழி",
    "தமிழ் மிகவும் பழமையான மொழிகளில் ஒன்று, அதற்கு நீண்ட இலக்கிய மரபு உள்ளது. சென்னை நகரில் பல கோவில்களும் "
    "நூலகங்களும் இருக்கின்றன. Please open the page முதலில் பிறகு படிக்கவும்.",
    ("கொஞ்சம் காபி", "நன்றி சொல்லுங்கள்", "பௌர்ணமி and moon"),
    (("பெயர்", "நகரம்", "எண்"), ("வள்ளுவர்", "மதுரை", "மூன்று"), ("ஸ்ரீதேவி", "கோவை", "பத்து")),
    ("பெயர் = 'தமிழ்'", "print(பெயர்)"),
)
_MALAYALAM = Document(
    "Malayalam",
    "മലയാളം ഭാഷ",
    "കേരളത്തിലെ ഔദ്യോഗിക ഭാഷ മലയാളം ആണ്, അതിന് സമ്പന്നമായ സാഹിത്യം ഉണ്ട്. തിരുവനന്തപുരം തലസ്ഥാനമാണ്, കൊച്ചി വലിയ "
    "തുറമുഖമാണ്. Please read this first, എന്റെ അവന്\u200d നന്മ എന്നിട്ട് മറുപടി പറയൂ.",
    ("കൊച്ചു പുസ്തകം", "സ്ത്രീകളും കുട്ടികളും", "ക്ഷമ and thanks"),
    (("പേര്", "നഗരം", "എണ്ണം"), ("ശ്രീദേവി", "കൊല്ലം", "മൂന്ന്"), ("മോഹന്\u200d", "കോഴിക്കോട്", "പത്ത്")),
    ("പേര് = 'മലയാളം'", "print(1)"),
)
_SINHALA = Document(
    "Sinhala",
    "සිංහල භාෂාව",
    "ශ්\u200dරී ලංකාව ඉන්දියන් සාගරයේ පිහිටි දිවයිනකි, එහි අගනුවර ශ්\u200dරී ජයවර්ධනපුර කෝට්ටේ වේ. ජනතාව උදේට තේ පානය කරති. "
    "Please read the page පළමුව and then answer.",
    ("කොළඹ නගරය", "විද්\u200dයාව සහ ක්\u200dෂේත්\u200dරය", "ස්තුතියි and thanks"),
    (("නම", "නගරය", "ගණන"), ("ප්\u200dරියා", "මහනුවර", "තුන"), ("කෞශල්\u200dයා", "ගාල්ල", "දහය")),
    ("නම = 'ශ්\u200dරී'", "print(1)"),
)
_THAI = Document(
    "Thai",
    "ภาษาไทยวันละคำ",
    "น้ำในแม่น้ำเจ้าพระยา ไหลผ่านกรุงเทพ ทุกคนทำงานตั้งแต่เช้า และดื่มน้ำชา ก่อนไปที่สำนักงาน ชื่อเต็มนั้นยาวมาก. "
    "Please read the word น้ำ before คำ and then answer.",
    ("ซื้อผักที่ตลาด", "ทำอาหารค่ำ", "กำไร and loss"),
    (("ชื่อ", "เมือง", "จำนวน"), ("สมชาย", "ลำปาง", "สาม"), ("น้ำฝน", "เชียงใหม่", "สิบ")),
    ("ชื่อ = 'น้ำ'", "print(1)"),
)
_LAO = Document(
    "Lao",
    "ພາສາລາວ",
    "ນ້ຳຂອງ ໄຫຼຜ່ານ ວຽງຈັນ ທຸກຄົນ ເຮັດວຽກ ຕັ້ງແຕ່ເຊົ້າ ແລະດື່ມນ້ຳຊາ ກ່ອນໄປຕະຫຼາດ. "
    "Please read the word ຄຳ before ນ້ຳ and then answer.",
    ("ຊື້ຜັກ", "ກຳໄລ ແລະ ທຶນ", "ຂອບໃຈ and thanks"),
    (("ຊື່", "ເມືອງ", "ຈຳນວນ"), ("ສົມພອນ", "ຫຼວງພະບາງ", "ສາມ"), ("ຄຳ", "ປາກເຊ", "ສິບ")),
    ("ຊື່ = 'ນ້ຳ'", "print(1)"),
)
_KHMER = Document(
    "Khmer",
    "ភាសា\u200bខ្មែរ",
    "ភ្នំពេញ\u200bជា\u200bរាជធានី\u200bនៃ\u200bប្រទេស\u200bកម្ពុជា ហើយ\u200bមាន\u200bទន្លេ\u200bបួន\u200bជួប\u200bគ្នា។ "
    "មនុស្ស\u200bជា\u200bច្រើន\u200bទៅ\u200bផ្សារ\u200bនៅ\u200bពេល\u200bព្រឹក។ Please read this ជាមុន and then answer.",
    ("បាយ\u200bនិង\u200bត្រី", "ស្ត្រី\u200bនិង\u200bកុមារ", "អរគុណ and thanks"),
    (("ឈ្មោះ", "ទីក្រុង", "ចំនួន"), ("សុខា", "សៀមរាប", "បី"), ("ច័ន្ទ", "បាត់ដំបង", "ដប់")),
    ("ឈ្មោះ = 'ខ្មែរ'", "print(1)"),
)
_BURMESE = Document(
    "Burmese",
    "မြန်မာဘာသာ",
    "ရန်ကုန်မြို့သည် မြန်မာနိုင်ငံ၏ အကြီးဆုံးမြို့ ဖြစ်သည်။ လူများသည် နံနက်တိုင်း လက်ဖက်ရည် သောက်ကြသည်။ "
    "Please read this ပထမဦးစွာ and then answer ကျွန်ုပ်.",
    ("ထမင်းနှင့် ငါး", "ဗုဒ္ဓဘာသာ", "ကျေးဇူးတင်ပါသည် and thanks"),
    (("အမည်", "မြို့", "အရေအတွက်"), ("အောင်", "မန္တလေး", "သုံး"), ("ခင်", "ပုဂံ", "ဆယ်")),
    ("အမည် = 'မြန်မာ'", "print(1)"),
)
_KOREAN = Document(
    "Korean jamo, decomposed",
    "한국어 문서",
    "서울은 대한민국의 수도이며 한강이 도시를 가로지른다. 많은 사람들이 아침마다 지하철을 타고 회사에 간다. "
    "Please read 설명서 first and then answer the question.",
    ("밥과 김치", "값을 확인하십시오", "감사합니다 and thanks"),
    (("이름", "도시", "개수"), ("김철수", "부산", "셋"), ("박영희", "인천 공항", "열하나")),
    ("이름 = '한글'", "print(이름)"),
)
_CHINESE = Document(
    "Chinese",
    "中文回答",
    "北京是中国的首都，也是一座有三千多年历史的城市。每天早上，很多人坐地铁去上班，路上读新闻或者听音乐。"
    "请先阅读 README 文件，然后再运行 pytest 命令（需要联网）。",
    ("苹果、香蕉和橘子", "价格是￥100，不含税", "谢谢 and thanks"),
    (("姓名", "城市", "数量"), ("王小明", "上海", "三"), ("李华", "呼和浩特", "一百二十")),
    ("姓名 = '王小明'", "print(姓名)"),
)
_JAPANESE = Document(
    "Japanese with combining dakuten",
    "日本語の答え",
    "東京は日本の首都で、毎日たくさんの人が電車で会社に通います。ガラスの窓からビルが見えます。「ありがとうございます」と"
    "彼は言いました。Please read 説明書 first, ﾊﾝｶｸ ｶﾞｷﾞｸﾞ too.",
    ("パンとコーヒー", "ご確認ください。", "ありがとう and thanks"),
    (("名前", "都市", "個数"), ("ジョージ", "横浜", "三"), ("ポール", "ｶﾞｯｺｳ", "百二十")),
    ("名前 = 'ガギグ'", "print(名前)"),
)
_MARKS = Document(
    "emoji with U+FE0F and keycaps",
    "⚠️ Plan ✔️",
    "plan ⚠️ please read it first ✔️ then go. We ❤️ this ☺️ and ☀️ after ✈️ and ℹ️ or ▶️ again. "
    "Step 1️⃣ comes before 2️⃣ and *️⃣ comes last, press #️⃣ to end.",
    ("⚠️ warning first", "text ✔️ done", "1️⃣ one 2️⃣ two 🔟 ten"),
    (("⚠️", "State", "1️⃣"), ("first row", "✔️ done", "❤️"), ("⚠️ careful", "☺️", "2️⃣ two")),
    ("x = '⚠️'  # careful", "y = '1️⃣ ❤️ ok'"),
)
_TONES = Document(
    "emoji with skin tones and ZWJ",
    "👍🏽 Team 👨‍👩‍👧‍👦",
    "Great 👍🏽 work by 👩‍💻 and 🧑🏿‍🚀 today, the family 👨‍👩‍👧‍👦 says hello 👋🏻 and goodbye. "
    "Then 🏳️‍🌈 and 🏴‍☠️ and ❤️‍🔥 and 🤷🏽‍♂️ came to the party.",
    ("👍🏽 yes", "text 👩‍💻 code", "👨‍👩‍👧‍👦 family here"),
    (("👍🏽", "Who", "Flag"), ("one", "👩‍💻 Ann", "🏳️‍🌈"), ("👨‍👩‍👧‍👦 all", "🧑🏿‍🚀", "🏴‍☠️ ship")),
    ("x = '👍🏽'  # thumb", "y = '👨‍👩‍👧‍👦 ok'"),
)
_FLAGS = Document(
    "flags and wide emoji",
    "🇩🇪 Flags 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "From 🇩🇪 to 🇺🇦 and 🇯🇵 by train, then 🏴󠁧󠁢󠁥󠁮󠁧󠁿 and 🏴󠁧󠁢󠁳󠁣󠁴󠁿 by ship. Tests ✅ pass and ❌ fail, "
    "a melting face 🫠 and 🥲 and 🚀 and ⭐ and ⌚ stand between words.",
    ("✅ done", "🇩🇪 Germany 🇫🇷 France", "🫠 melting 🥲 smiling"),
    (("🇩🇪", "Test", "⭐"), ("one", "✅ ok", "🚀"), ("🏴󠁧󠁢󠁥󠁮󠁧󠁿 two", "❌", "🫠 three")),
    ("x = '✅'  # done", "y = '🇩🇪 🫠 ok'"),
)
_MIXED = Document(
    "all scripts in one line",
    "Café ⚠️ हिन्दी 漢字",
    "Report: naïve café ⚠️ हिन्दी की किताब 漢字 한국어 ไทยน้ำ עִבְרִית العَرَبِيَّة தமிழ் 👍🏽 🇩🇪 ✅ end of line. "
    "Then plain words go on for a while, so that ❤️ the next rows are ASCII alone.",
    ("é ⚠️ की 字 end", "plain ASCII item", "கொ 1️⃣ ꯍ 한 end"),
    (("Name", "हिन्दी ⚠️", "漢字"), ("é", "की", "字 ✔️"), ("plain", "ไทยน้ำ", "👍🏽 x")),
    ("x = 'की 字 ⚠️'  # end", "plain = 1"),
)

DOCUMENTS: dict[str, Document] = {
    document.name: document
    for document in (
        *map(_decomposed, (_LATIN, _VIETNAMESE)),
        *(_HEBREW, _ARABIC, _DEVANAGARI, _BENGALI, _TAMIL, _MALAYALAM, _SINHALA),
        *(_THAI, _LAO, _KHMER, _BURMESE, _decomposed(_KOREAN), _CHINESE, _decomposed(_JAPANESE)),
        *(_MARKS, _TONES, _FLAGS, _MIXED),
    )
}
