"""Unicode for LaTeX commands: symbols, alphabets, accents, super- and subscripts (from unicode-math's tables)."""

from __future__ import annotations

_GREEK = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau
upsilon phi chi psi omega
"""
_SIGNS = r"""
epsilon:ϵ varepsilon:ε phi:φ varphi:φ vartheta:ϑ varrho:ϱ varpi:ϖ varkappa:ϰ digamma:ϝ sum:∑ prod:∏ coprod:∐
int:∫ iint:∬ iiint:∭ oint:∮ partial:∂ nabla:∇ infty:∞ pm:± mp:∓ times:× div:÷ cdot:· ast:∗ star:⋆ circ:∘
bullet:• oplus:⊕ ominus:⊖ otimes:⊗ oslash:⊘ odot:⊙ dagger:† ddagger:‡ le:≤ leq:≤ leqslant:≤ ge:≥ geq:≥
geqslant:≥ ll:≪ gg:≫ ne:≠ neq:≠ equiv:≡ sim:∼ simeq:≃ approx:≈ cong:≅ propto:∝ prec:≺ succ:≻ preceq:⪯ succeq:⪰
in:∈ notin:∉ ni:∋ subset:⊂ supset:⊃ subseteq:⊆ supseteq:⊇ subsetneq:⊊ supsetneq:⊋ cup:∪ cap:∩ bigcup:⋃ bigcap:⋂
setminus:∖ emptyset:∅ varnothing:∅ forall:∀ exists:∃ nexists:∄ neg:¬ lnot:¬ land:∧ wedge:∧ lor:∨ vee:∨
bigwedge:⋀ bigvee:⋁ top:⊤ bot:⊥ perp:⊥ parallel:∥ mid:∣ nmid:∤ vdash:⊢ models:⊨ angle:∠ triangle:△ square:□
Box:□ diamond:⋄ therefore:∴ because:∵ to:→ rightarrow:→ longrightarrow:⟶ Rightarrow:⇒ Longrightarrow:⟹ implies:⟹
leftarrow:← gets:← Leftarrow:⇐ leftrightarrow:↔ Leftrightarrow:⇔ iff:⟺ mapsto:↦ longmapsto:⟼ uparrow:↑
downarrow:↓ Uparrow:⇑ Downarrow:⇓ hookrightarrow:↪ rightharpoonup:⇀ rightleftharpoons:⇌ leadsto:⇝ nearrow:↗
searrow:↘ ldots:… cdots:⋯ dots:… dotsc:… dotsb:⋯ vdots:⋮ ddots:⋱ prime:′ hbar:ℏ ell:ℓ Re:ℜ Im:ℑ wp:℘ aleph:ℵ
beth:ℶ langle:⟨ rangle:⟩ lfloor:⌊ rfloor:⌋ lceil:⌈ rceil:⌉ lvert:| rvert:| lVert:‖ rVert:‖ vert:| Vert:‖ |:‖ {:{
}:} %:% $:$ #:# &:& _:_ backslash:\ lbrace:{ rbrace:} lbrack:[ rbrack:] degree:° checkmark:✓ complement:∁
amalg:⨿ wr:≀ asymp:≍ doteq:≐ triangleq:≜ coloneqq:≔ colon:: S:§ imath:ı jmath:ȷ lt:< gt:> bigoplus:⨁ bigotimes:⨂
sqcup:⊔ sqcap:⊓ sqsubseteq:⊑ vDash:⊨ lhd:⊲ rhd:⊳
"""
_FUNCTIONS = """
sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp min max sup inf lim limsup liminf
det dim ker gcd deg arg argmax argmin Pr hom
"""
_IGNORED = """
displaystyle textstyle scriptstyle limits nolimits big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr
bigm middle rm bf it mathstrut strut hfill notag centering
"""

SYMBOLS: dict[str, str] = {name: chr(0x3B1 + index) for index, name in enumerate(_GREEK.split())}
SYMBOLS |= {
    name.capitalize(): chr(0x391 + index) for index, name in enumerate(_GREEK.split()) if name != "varsigma"
}
for _pair in _SIGNS.split():
    _name, _sign = _pair.split(":", 1)
    SYMBOLS[_name] = _sign
SYMBOLS |= {",": " ", ";": " ", ":": " ", "!": "", " ": " ", ">": " ", "quad": "  ", "qquad": "    "}
SYMBOLS |= {"bmod": " mod ", "mod": " mod ", "nonumber": "", "thinspace": " "}

FUNCTIONS = frozenset(_FUNCTIONS.split())
IGNORED = frozenset(_IGNORED.split())

SUPERSCRIPTS = dict(
    zip(
        "0123456789+−-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδεθφ ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᵋᶿᵠ ",
        strict=True,
    )
)
SUPERSCRIPTS |= {"⊤": "ᵀ", ",": ","}
SUBSCRIPTS = dict(
    zip("0123456789+−-=()aehijklmnoprstuvxβγρφχ ", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ ", strict=True)
)

_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SUBSCRIPTS[","] = ","

ALPHABETS: dict[str, dict[str, str]] = {
    "mathbb": dict(zip(_CAPITALS + "1", "𝔸𝔹ℂ𝔻𝔼𝔽𝔾ℍ𝕀𝕁𝕂𝕃𝕄ℕ𝕆ℙℚℝ𝕊𝕋𝕌𝕍𝕎𝕏𝕐ℤ𝟙", strict=True)),
    "mathcal": dict(zip(_CAPITALS, "𝒜ℬ𝒞𝒟ℰℱ𝒢ℋℐ𝒥𝒦ℒℳ𝒩𝒪𝒫𝒬ℛ𝒮𝒯𝒰𝒱𝒲𝒳𝒴𝒵", strict=True)),
    "mathscr": dict(zip(_CAPITALS, "𝒜ℬ𝒞𝒟ℰℱ𝒢ℋℐ𝒥𝒦ℒℳ𝒩𝒪𝒫𝒬ℛ𝒮𝒯𝒰𝒱𝒲𝒳𝒴𝒵", strict=True)),
    "mathfrak": dict(zip(_CAPITALS, "𝔄𝔅ℭ𝔇𝔈𝔉𝔊ℌℑ𝔍𝔎𝔏𝔐𝔑𝔒𝔓𝔔ℜ𝔖𝔗𝔘𝔙𝔚𝔛𝔜ℨ", strict=True)),
}

ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0305", "tilde": "\u0303",
    "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308", "underline": "\u0332",
    "check": "\u030c", "breve": "\u0306", "not": "\u0338",
}  # fmt: skip
