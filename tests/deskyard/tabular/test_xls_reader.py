"""Old binary workbooks; tickets.xls was written by xlwt."""

import base64
import gzip
import io
import lzma
from pathlib import Path

import pytest

from deskyard.errors import BadInput
from deskyard.tabular.readers import open_table
from deskyard.tabular.records import TableLocation
from deskyard.tabular.xls_reader import read_xls

TICKETS = Path(__file__).with_name("tickets.xls")
HOSTILE = (
    "{Wp48S^xk9=GL@E0stWa8~^|S5YJf5;8p(vOI-kHGrk;#Fn3_|q=YI!3><bRg7T4u+=$92yDg-~%0Dp%Y+aTs*~r(3Gm5I2sZxtunQ!}Je2I<w"
    "j{m=l94L*3)62$9q&`iiBl%T-;Sq;LZ-J!Uwkmb&cB`)`U16Jo2UV?pts*FzKxHCK?KQr#Hff@hSUX@h?F)MpdR;Y2Zso%7MTWJp0WK)d@&(mI"
    "fV{H~jwKJz5TK0$Mf4D@$f5~3Pp4x<7?IV9nujfnZ~7}6DPM|BkJone+o#ZL9k4}T@B`t<k&zWhA`PyKCHlOQHzC~k#aStdA5pI1Op5&CU*evp"
    "o}srdbm)`8za9^;{86j$z8IIQPoHIL=L>><xC7*u9o03&^DymkSdq}7I%0R-8ULyo=cWptNl#1wbBPfTJ`si@c8&MY1DjPdn3`fc7?!{vr6ezo"
    "TP=R$yR>jgt~Vw223`^tq9rR&@^|A^%ohKB3*n|f4v_Wra?bTrudO&(zG8LE_O7szr<!k6n3qbDK`XU;>&}PyJe`-lo+?%sD^SJt+l;`K`9`(^"
    "3&;<5TYr<r$j6d)$gAqZ|Kob9+2vcyYzW#@Git|mO;}j`S>dkL7_o*|zUbEUg8Iop^RzO?$~XJQk)ASr$$3%vZ4uXjUckq8-|Y<!ru|yrtC!j`"
    "`nfY$14njgE<Krf%Psg0*)`Mf%$UOcInv69^C0QvSYn*Jst|Vteh!WW<AGz~>GR~tqq++d4=E=f)4ycPD0$B^7oO`6W#MC2(2&y3Ke&qIZ6c%h"
    "*bFfjtBjv^i1?3;5d_ajNAs%oFHrhZ_piQO$0+Ea?EJb*P?8ohNg!*h_@$0;u4K9@wPd5jvB}L5MD`Z9gM4sx)IAhSY2(~$HrU^GrSgug{Ne>x"
    "!qDa8hkBpa(h-6XA<PX~CRzg+wyx9r^Lvyz>E)Mp{UZ&XLU#B6uiXTS1y4w{v^D{@^D)Vq%>_K2TL-T%Eg|j8;(&KC4<NQLtFXo6ckGl#2WQXB"
    "FJ{^T=gSeXd*l0+=#2YBfWQn>#AUW8f$?~59-fY-z>HF<r_siVX-OXMeL4^TAYP;Ll}h?pc4);==Pa)V)%!2iCF}@(*Up%VTQ$LN!m0oOHPS0V"
    "wdE!O00HL)fUE%kIVp5wvBYQl0ssI200dcD"
)
"""A workbook of 40 sheets with a cell in the first and one in the last corner each, compressed."""


@pytest.mark.parametrize("compressed", [False, True])
def test_the_sheet_of_tickets_is_read_with_dates_titles_and_merged_cells(tmp_path, compressed):
    path = tmp_path / "t"
    path.write_bytes(gzip.compress(TICKETS.read_bytes()) if compressed else TICKETS.read_bytes())
    with open_table(path) as table:
        assert table.columns == ["Номер", "Дата регистрации", "Описание", "Группа", "Срочно"]
        assert table.notes == (
            "XLS, sheet 'Заявки'",
            "other sheets are not read: 'Сводка' (see --sheet)",
            "the table begins in row 3, after rows of titles",
        )
        rows = list(table)
    assert [row.values["Группа"] for row in rows] == ["Сети"] * 4 + ["Печать"] * 4
    assert list(rows[1].values.values()) == [
        "1001", "2025-01-07T09:03:00", "Принтер зажевал бумагу\nво втором лотке (1)", "Сети", "false"
    ]  # fmt: skip


def test_a_sheet_is_named_by_its_title_or_number():
    with TICKETS.open("rb") as stream:
        assert read_xls(stream, "t.xls", TableLocation(sheet="сводка")).columns == ["Всего", "8"]
    with (
        TICKETS.open("rb") as stream,
        pytest.raises(BadInput, match=r"no sheet '3'\. Its sheets are 'Сводка', 'Заявки'"),
    ):
        read_xls(stream, "t.xls", TableLocation(sheet="3"))


def test_a_file_that_asks_for_far_more_memory_than_it_may_ends_in_a_sentence():
    content = lzma.decompress(base64.b85decode(HOSTILE))
    with pytest.raises(BadInput, match=r"t\.xls is an old Excel file .* damaged or too large"):
        read_xls(io.BytesIO(content), "t.xls", TableLocation())


@pytest.mark.parametrize("length", [8, 600, 3000])
def test_a_damaged_file_is_a_sentence(length):
    with pytest.raises(BadInput, match=r"t\.xls is an old Excel file"):
        read_xls(io.BytesIO(TICKETS.read_bytes()[:length]), "t.xls", TableLocation())
