"""Colour maps of pictures, from dark to bright.

They are those of matplotlib, whose import takes longer than the drawing of all pictures of a
report. The tests compare both.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt


def coloured(values: npt.NDArray[np.floating], colours: str) -> npt.NDArray[np.uint8]:
    """Return values as colours.

    Parameters
    ----------
    values : np.ndarray [shape=(...)]
        From 0 to 1; others have the colours of these ends.
    colours : str
        A key of :data:`COLOUR_MAPS`.

    Returns
    -------
    np.ndarray [shape=(..., 3)]
        Red, green and blue.
    """
    table = _table(colours)
    steps = np.clip(values * len(table), 0, len(table) - 1).astype(np.uint8)
    found: npt.NDArray[np.uint8] = table[steps]
    return found


@lru_cache
def _table(colours: str) -> npt.NDArray[np.uint8]:
    """Return the colours of a map [shape=(256, 3)]."""
    return np.frombuffer(bytes.fromhex(COLOUR_MAPS[colours]), np.uint8).reshape(-1, 3)


COLOUR_MAPS = {
    "RdBu_r": """
        053061 063263 073466 083669 09386c 0a3a6f 0b3c72 0c3e75 0d4078 0e437b 0f457e 114781 124984
        134b87 144d8a 154f8d 165190 175493 185695 195898 1a5a9b 1c5c9e 1d5ea1 1e60a4 1f62a7 2064aa
        2166ac 2368ad 246aae 256caf 276db0 286fb0 2971b1 2b73b2 2c75b3 2d76b4 2f78b5 307ab6 317cb7
        337db8 347fb9 3581b9 3783ba 3884bb 3986bc 3b88bd 3c8abe 3d8bbf 3f8dc0 408fc1 4191c2 4393c3
        4694c4 4996c5 4c98c6 4f9ac7 529cc8 559ec9 58a0ca 5ba2cb 5ea4cc 61a6cd 65a8ce 68aacf 6bacd0
        6eaed1 71b0d2 74b2d3 77b4d5 7ab6d6 7db8d7 80bad8 84bcd9 87beda 8ac0db 8dc2dc 90c4dd 93c5de
        95c6df 98c8df 9ac9e0 9dcae1 9fcbe1 a2cde2 a4cee3 a7cfe4 a9d0e4 abd2e5 aed3e6 b0d4e6 b3d5e7
        b5d7e8 b8d8e8 bad9e9 bddaea bfdceb c2ddeb c4deec c7dfed c9e1ed cce2ee cee3ef d1e5f0 d2e5f0
        d3e6f0 d5e7f0 d6e7f1 d8e8f1 d9e9f1 dbe9f1 dceaf2 deebf2 dfecf2 e1ecf3 e2edf3 e4eef3 e5eef3
        e7eff4 e8f0f4 eaf1f4 ebf1f4 edf2f5 eef3f5 f0f3f5 f1f4f6 f3f5f6 f4f5f6 f6f6f6 f7f6f6 f7f5f4
        f7f4f2 f7f3f0 f8f2ee f8f0ec f8efea f8eee8 f9ede7 f9ece5 f9ebe3 f9eae1 f9e9df fae8dd fae7db
        fae5d9 fae4d7 fbe3d6 fbe2d4 fbe1d2 fbe0d0 fcdfce fcdecc fcddca fcdcc8 fddbc7 fcd8c4 fcd6c1
        fbd4be fbd2bc fbd0b9 faceb6 faccb4 facab1 f9c7ae f9c5ab f9c3a9 f8c1a6 f8bfa3 f8bda1 f7bb9e
        f7b99b f7b799 f6b496 f6b293 f5b090 f5ae8e f5ac8b f4aa88 f4a886 f4a683 f3a380 f2a07e f19e7c
        ef9b7a ee9878 ed9676 ec9374 eb9072 ea8e70 e88b6e e7886c e6856a e58368 e48065 e27d63 e17b61
        e0785f df755d de725b dd7059 db6d57 da6a55 d96853 d86551 d7624f d6604d d45d4b d35a4a d15749
        d05447 ce5146 cd4f45 cc4c43 ca4942 c94641 c7433f c6403e c53e3c c33b3b c2383a c03538 bf3237
        be3036 bc2d34 bb2a33 b92732 b82431 b6212f b51f2e b41c2d b2192b b0172a ad162a aa1529 a71429
        a41328 a11228 9e1127 9b1027 991027 960f26 930e26 900d25 8d0c25 8a0b24 870a24 840923 810823
        7e0722 7b0622 780521 750421 720320 6f0220 6c011f 69001f 67001f
    """,
    "bone": """
        000000 000001 010102 020203 030304 040406 050507 060608 070609 07070a 08080c 09090d 0a0a0e
        0b0b0f 0c0c11 0d0d12 0e0d13 0e0e14 0f0f15 101017 111118 121219 13131a 14141c 15141d 15151e
        16161f 171720 181822 191923 1a1a24 1b1b25 1c1b26 1c1c28 1d1d29 1e1e2a 1f1f2b 20202d 21212e
        22222f 232230 232331 242433 252534 262635 272736 282838 292939 2a293a 2a2a3b 2b2b3c 2c2c3e
        2d2d3f 2e2e40 2f2f41 303042 313044 313145 323246 333347 343449 35354a 36364b 37374c 38374d
        38384f 393950 3a3a51 3b3b52 3c3c54 3d3d55 3e3e56 3f3e57 3f3f58 40405a 41415b 42425c 43435d
        44445e 454560 464561 464662 474763 484865 494966 4a4a67 4b4b68 4c4c69 4d4c6b 4d4d6c 4e4e6d
        4f4f6e 505070 515171 525272 535372 545473 545674 555775 565876 575977 585a78 595c79 5a5d79
        5b5e7a 5b5f7b 5c607c 5d627d 5e637e 5f647f 606580 616680 626881 626982 636a83 646b84 656d85
        666e86 676f87 687087 697188 697389 6a748a 6b758b 6c768c 6d778d 6e798e 6f7a8e 707b8f 707c90
        717d91 727f92 738093 748194 758295 768395 778596 778697 788798 798899 7a899a 7b8b9b 7c8c9c
        7d8d9c 7e8e9d 7e8f9e 7f919f 8092a0 8193a1 8294a2 8395a3 8497a3 8598a4 8599a5 869aa6 879ba7
        889da8 899ea9 8a9faa 8ba0aa 8ca1ab 8ca3ac 8da4ad 8ea5ae 8fa6af 90a7b0 91a9b1 92aab1 93abb2
        93acb3 94adb4 95afb5 96b0b6 97b1b7 98b2b8 99b3b8 9ab5b9 9ab6ba 9bb7bb 9cb8bc 9dbabd 9ebbbe
        9fbcbf a0bdbf a1bec0 a1c0c1 a2c1c2 a3c2c3 a4c3c4 a5c4c5 a6c6c6 a7c7c6 a8c7c7 aac8c8 abc9c9
        accaca aecbcb afcccc b1cdcd b2cecd b3cece b5cfcf b6d0d0 b7d1d1 b9d2d2 bad3d3 bcd4d4 bdd5d4
        bed5d5 c0d6d6 c1d7d7 c2d8d8 c4d9d9 c5dada c6dbdb c8dcdb c9dcdc cbdddd ccdede cddfdf cfe0e0
        d0e1e1 d1e2e2 d3e3e2 d4e3e3 d5e4e4 d7e5e5 d8e6e6 dae7e7 dbe8e8 dce9e9 deeae9 dfeaea e0ebeb
        e2ecec e3eded e5eeee e6efef e7f0f0 e9f1f0 eaf1f1 ebf2f2 edf3f3 eef4f4 eff5f5 f1f6f6 f2f7f7
        f4f8f7 f5f8f8 f6f9f9 f8fafa f9fbfb fafcfc fcfdfd fdfefe ffffff
    """,
    "inferno": """
        000003 000004 000006 010007 010109 01010b 02010e 020210 030212 040314 040316 050418 06041b
        07051d 08061f 090621 0a0723 0b0726 0d0828 0e082a 0f092d 10092f 120a32 130a34 140b36 160b39
        170b3b 190b3e 1a0b40 1c0c43 1d0c45 1f0c47 200c4a 220b4c 240b4e 260b50 270b52 290b54 2b0a56
        2d0a58 2e0a5a 300a5c 32095d 34095f 350960 370961 390962 3b0964 3c0965 3e0966 400966 410967
        430a68 450a69 460a69 480b6a 4a0b6a 4b0c6b 4d0c6b 4f0d6c 500d6c 520e6c 530e6d 550f6d 570f6d
        58106d 5a116d 5b116e 5d126e 5f126e 60136e 62146e 63146e 65156e 66156e 68166e 6a176e 6b176e
        6d186e 6e186e 70196e 72196d 731a6d 751b6d 761b6d 781c6d 7a1c6d 7b1d6c 7d1d6c 7e1e6c 801f6b
        811f6b 83206b 85206a 86216a 88216a 892269 8b2269 8d2369 8e2468 902468 912567 932567 952666
        962666 982765 992864 9b2864 9c2963 9e2963 a02a62 a12b61 a32b61 a42c60 a62c5f a72d5f a92e5e
        ab2e5d ac2f5c ae305b af315b b1315a b23259 b43358 b53357 b73456 b83556 ba3655 bb3754 bd3753
        be3852 bf3951 c13a50 c23b4f c43c4e c53d4d c73e4c c83e4b c93f4a cb4049 cc4148 cd4247 cf4446
        d04544 d14643 d24742 d44841 d54940 d64a3f d74b3e d94d3d da4e3b db4f3a dc5039 dd5238 de5337
        df5436 e05634 e25733 e35832 e45a31 e55b30 e65c2e e65e2d e75f2c e8612b e9622a ea6428 eb6527
        ec6726 ed6825 ed6a23 ee6c22 ef6d21 f06f1f f0701e f1721d f2741c f2751a f37719 f37918 f47a16
        f57c15 f57e14 f68012 f68111 f78310 f7850e f8870d f8880c f88a0b f98c09 f98e08 f99008 fa9107
        fa9306 fa9506 fa9706 fb9906 fb9b06 fb9d06 fb9e07 fba007 fba208 fba40a fba60b fba80d fbaa0e
        fbac10 fbae12 fbb014 fbb116 fbb318 fbb51a fbb71c fbb91e fabb21 fabd23 fabf25 fac128 f9c32a
        f9c52c f9c72f f8c931 f8cb34 f8cd37 f7cf3a f7d13c f6d33f f6d542 f5d745 f5d948 f4db4b f4dc4f
        f3de52 f3e056 f3e259 f2e45d f2e660 f1e864 f1e968 f1eb6c f1ed70 f1ee74 f1f079 f1f27d f2f381
        f2f485 f3f689 f4f78d f5f891 f6fa95 f7fb99 f9fc9d fafda0 fcfea4
    """,
}
"""By name: 256 colours, each as six hexadecimal digits."""
