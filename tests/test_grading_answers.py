"""Which answers are the same: a table of pairs, and what must hold for any."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from r1tool.grading import equal, grade
from r1tool.grading.grade import grade_with
from r1tool.grading.math.comparing.compare import compare
from r1tool.grading.math.reading.notation import normalize, squeeze
from r1tool.grading.math.reading.read import read
from r1tool.grading.math.reading.tokens import Unreadable
from r1tool.grading.verdict import Settings

SAME = r"""
1/2 | 0.5
\frac{3}{4} | 75\%
2\sqrt{3} | \sqrt{12}
\frac{1}{\sqrt{2}} | \frac{\sqrt{2}}{2}
\sqrt{1/3} | 1/\sqrt3
x^2-1 | (x-1)(x+1)
(x+1)^2 | x^2+2x+1
\frac{a+b}{2} | \frac{1}{2}(a+b)
e^{i\pi} | -1
\ln 8 | 3\ln 2
\log_2 8 | 3
\log_{10} 100 | 2
\sin^2 x+\cos^2 x | 1
\tan x | \frac{\sin x}{\cos x}
\sin 2x | 2\sin x\cos x
\binom{10}{3} | 120
5! | 120
2^{10} | 1024
10^{-3} | 0.001
3.0\times 10^8 | 300000000
1,000,000 | 1000000
1{,}000 | 1000
12\,345 | 12345
\$15 | 15
15 \text{ dollars} | 15
15\text{ cm} | 15
15\mathrm{~cm} | 15
15 \mathrm{cm}^2 | 15
90^\circ | 90
90^{\circ} | \frac{\pi}{2}
x=5 | 5
5 | x = 5
y = 2x+1 | 2x+1
(1,2) | (1, 2)
\left(1,2\right) | (1,2)
\{1,2,3\} | \{3,2,1\}
1, 2, 3 | 3, 2, 1
1,2,3 | \{1,2,3\}
x=1, x=2 | 1, 2
x = 1 \text{ or } x = 2 | 2, 1
x_1=1, x_2=2 | 1,2
(-\infty, 3] | x \le 3
(2, \infty) | x > 2
[1,4) | 1 \leq x < 4
(-\infty,1)\cup(2,\infty) | x<1 \text{ or } x>2
(-\infty,1)\cup(2,\infty) | (-\infty, 1) \cup (2, +\infty)
\mathbb{R} | (-\infty,\infty)
\emptyset | \{\}
\begin{pmatrix} 1 \\ 2 \end{pmatrix} | \begin{bmatrix} 1 \\ 2 \end{bmatrix}
\begin{pmatrix} 1/2 & 0 \\ 0 & 1 \end{pmatrix} | \begin{pmatrix} 0.5 & 0 \\ 0 & 1 \end{pmatrix}
2x+y=3 | y = 3-2x
x^2+y^2=4 | x^{2}+y^{2}-4=0
y=\frac{1}{2}x | x-2y=0
\frac{x^2}{4}+\frac{y^2}{3}=1 | 3x^2+4y^2=12
\text{even} | Even
\text{Yes} | yes
\text{(A)} | A
A | \textbf{(A)}
A | (A) 5
B | \text{B. } 7
3\frac{1}{2} | 3.5
3\frac{1}{2} | \frac{7}{2}
0.\overline{3} | \frac{1}{3}
0.1\overline{6} | 1/6
\frac{22}{7} | 3.142857142857143
\sqrt[3]{8} | 2
|{-5}| | 5
2:3 | 4:6
2:3 | \frac{2}{3}
1:2:3 | 2:4:6
\pm 3 | 3, -3
\pm\sqrt{2} | \sqrt{2}, -\sqrt{2}
1\pm i | 1+i, 1-i
\frac{-1\pm\sqrt{5}}{2} | \frac{-1+\sqrt5}{2}, \frac{-1-\sqrt5}{2}
3+4i | 4i+3
a^2b | ba^2
n(n+1)/2 | \frac{n^2+n}{2}
2^{n+1} | 2\cdot 2^n
(-1)^{n} | (-1)^{n+2}
\frac{n!}{(n-1)!} | n
\binom{n}{2} | \frac{n(n-1)}{2}
101_2 | 101
110_{2} | 110_2
25\% | 0.25
25\% | 25
33\frac{1}{3}\% | \frac{100}{3}
\frac{1}{3} | 0.3333
\frac{1}{6} | 0.1666 repeating
\frac{1}{3} | 0.333...
0.333 | \frac{1}{3}
3.14 | \pi
\frac{2}{3} | 0.6667
\pi | 3.14159
1.41 | \sqrt{2}
7\pi \text{ cm}^2 | 7\pi
2\text{ hours} | 120 \text{ minutes}
5\text{ km} | 5000\text{ m}
12 \text{ square units} | 12
10 \text{ km/h} | 10
72 \text{ mph} | 72
\text{Monday} | Monday
f(x)=x+1 | x+1
f(x) = 2x | f(x)=x\cdot 2
a_n = 2n-1 | 2n-1
(x,y)=(1,2) | (1,2)
x=1,y=2 | (1,2)
x=1,y=2 | y=2,x=1
(1,2),(2,1) | (2,1),(1,2)
\{(1,2),(2,1)\} | (2,1), (1,2)
\frac{\pi}{6}+k\pi | k\pi+\frac{\pi}{6}
x\in\mathbb{R} | \mathbb{R}
m>2 | (2,+\infty)
-1<a<3 | a\in(-1,3)
\frac{1}{2}<x<1 | (0.5,1)
k \ne 0 | k\neq 0
7 | 7.00
7 | 07
7 | +7
-7 | −7
2π | 2\pi
√2 | \sqrt{2}
x² | x^2
½ | 0.5
\dfrac{1}{2} | \tfrac12
\frac12 | \frac{1}{2}
5\sqrt{2}\text{ units} | 5\sqrt2
\left\lfloor 3.7 \right\rfloor | 3
2 \text{ and } 3 | 2, 3
2 and 3 | 3 and 2
144 | 144\text{ ways}
\text{12 noon} | 12 noon
\overline{AB} | AB
\angle ABC | \angle ABC
100! | 100!
2^{100} | 2^{100}
2^{1000} | 4^{500}
\sqrt{2+\sqrt{3}} | \frac{\sqrt6+\sqrt2}{2}
\cos\frac{\pi}{3} | \frac12
\arctan 1 | \frac{\pi}{4}
\tan^{-1}(1) | \pi/4
\frac{\ln 3}{\ln 2} | \log_2 3
e^2 | e^{2}
\sum_{k=1}^{3} k | 6
x^{1/2} | \sqrt{x}
a^{-1} | \frac1a
\frac{a}{b}\cdot c | ac/b
2(x-1) | 2x - 2
-(a-b) | b-a
\frac{-3}{4} | -\frac{3}{4}
-\frac{3}{4} | \frac{3}{-4}
3x - 4y + 5 = 0 | y = \frac{3x+5}{4}
6 \times 10^{23} | 6.0e23
1.5e3 | 1500
\text{increasing} | increasing
5 \text{ or } 6 | 5, 6
AB=5 | 5
\text{Area}=12 | 12
S=12\pi | 12\pi
\triangle ABC | \triangle ABC
\sqrt{3}:1 | \sqrt3:1
\frac{\sqrt{3}}{3} | \frac{1}{\sqrt{3}}
1+\sqrt{2}+\sqrt{3} | \sqrt{3}+\sqrt{2}+1
16\sqrt{3}\pi | 16\pi\sqrt{3}
(a+b)(a-b) | a^2 - b^2
\frac{x+1}{x-1} | 1+\frac{2}{x-1}
x \le 1 \text{ or } x\ge 2 | (-\infty,1]\cup[2,\infty)
x \geq -2 \text{ and } x \neq 3 | [-2,3)\cup(3,\infty)
\{x | x>1\} | (1,\infty)
\{x \mid -1 < x < 2\} | (-1,2)
2, 3, \text{ and } 5 | 2,3,5
1<x<2 | 2 > x > 1
\left(\frac{1}{2}, \frac{\sqrt{3}}{2}\right) | (0.5, \sqrt{3}/2)
\vec{a} = (1,2) | (1,2)
(3, -2) | 3, -2
3:30 | 3:30
(1,-2,3) | \begin{pmatrix}1\\-2\\3\end{pmatrix}
\frac{5}{36} | 5/36
5.00 | \$5
0.5 | .5
\text{no solution} | No solution
\text{No} | no
\text{True} | True
a=2, b=3 | 2, 3
a = 2 and b = 3 | a=2,b=3
(-\infty,-1)\cup(-1,\infty) | x\neq -1
\mathbb{R}\setminus\{0\} | x \ne 0
2k\pi + \frac{\pi}{3}, k \in \mathbb{Z} | \frac{\pi}{3} + 2k\pi, k\in\mathbb{Z}
2k\pi + \frac{\pi}{3}, k \in \mathbb{Z} | \frac{\pi}{3}+2k\pi
n \equiv 3 \pmod{5} | 3 \pmod 5
4\% | 0.04
(2,3] | 2<x\le3
12 \text{ cm}^3 | 12\text{cm}^3
5^{\circ}\text{C} | 5^\circ C
20\sqrt[3]{2} | 20\cdot 2^{1/3}
-\sqrt{-4} | -2i
\cot 45^\circ | 1
\sin 30^{\circ} | 0.5
\sec 60° | 2
\log 100 - \log 10 | \log 10
\frac{\log 8}{\log 2} | 3
C_5^2 | 10
C_{5}^{2} | \binom{5}{2}
A_5^2 | 20
4\div 2 | 2
8/2 | 4
10^{2} \text{ m} | 100 \text{ m}
(a,b) = (3, 4) | a=3, b=4
$\frac{2 \pi}{3}$ | \frac{2\pi}{3}
$-\frac{1}{2}$ | -0.5
$(-\infty,-1] \cup[3,+\infty)$ | (-\infty, -1] \cup [3, \infty)
$\{x \mid 0<x<2\}$ | (0,2)
$\left(0, \frac{1}{2}\right]$ | (0, 1/2]
(1) $\frac{1}{2}$; (2) $3$ | (1) \frac{1}{2}; (2) 3
$\mathrm{C}$ | C
$\mathrm{ABD}$ | ABD
A B D | ABD
AC | A, C
B, C, D | BCD
$x_{1}=2, x_{2}=-3$ | x=2 \text{ or } x=-3
$a>1$ | (1,+\infty)
$a \geqslant 2$ | [2,+\infty)
$2<m \leqslant 3$ | m \in (2,3]
m=-2 | -2
$y=-\frac{1}{2} x+3$ | x + 2y - 6 = 0
$(x-1)^{2}+(y+2)^{2}=9$ | x^2 - 2x + y^2 + 4y - 4 = 0
$\frac{x^{2}}{16}+\frac{y^{2}}{12}=1$ | 3x^2 + 4y^2 = 48
$y^{2}=8 x$ | y^2 = 8x
$10 \mathrm{~cm}$ | 10
$25 \pi \mathrm{~cm}^{2}$ | 25\pi
$60^{\circ}$ | 60
$60^{\circ}$ | \frac{\pi}{3}
30^{\circ} or 150^{\circ} | 30^\circ, 150^\circ
4 or -2 | -2, 4
$3 \sqrt{2}-\sqrt{6}$ | -\sqrt{6}+3\sqrt{2}
$2 \times 3^{n-1}$ | 2 \cdot 3^{n-1}
$a_{n}=3 n-2$ | 3n - 2
$a_{n}=\left(\frac{1}{2}\right)^{n}$ | 2^{-n}
$\frac{n}{n+1}$ | 1-\frac{1}{n+1}
$S_{n}=2^{n+1}-2-n$ | 2^{n+1} - n - 2
$\sin \left(2 x+\frac{\pi}{3}\right)$ | \sin(2x + \pi/3)
$2 \sin \left(\frac{\pi}{6}\right)$ | 1
$\ln 2+1$ | 1+\ln 2
$\mathrm{e}^{2}$ | e^2
$\mathrm{i}$ | i
$1-2 \mathrm{i}$ | 1 - 2i
$\sqrt[3]{4}$ | 4^{1/3}
$\frac{3}{5} \sqrt{5}$ | \frac{3\sqrt5}{5}
$\pm \frac{1}{2}$ | \frac12, -\frac12
$\{-1,0,1\}$ | \{-1, 0, 1\}
$\{(1,2)\}$ | (1,2)
$\{2\}$ | 2
$[0, 1] \cup \{2\}$ | [0,1]\cup\{2\}
No real solutions | no real solutions
$12:25:30$ | 12:25:30
1 : 2 | 1:2
5: 3 | \frac{5}{3}
$8.4 \times 10^{-3}$ | 0.0084
$0.4$ | \frac{2}{5}
$3 a^{2}-2 a b+b^{2}$ | 3a^2 + b^2 - 2ab
$(a+b)(a-b+1)$ | (a - b + 1)(a + b)
$\frac{x+y}{x-y}$ | -\frac{x+y}{y-x}
$\overline{a b c}=135$ | 135
135 | abc = 135
$\frac{\sqrt{3}-1}{2}$ | \frac{\sqrt{3} - 1}{2}
$\arccos \frac{1}{3}$ | \cos^{-1}\frac13
$\arctan \frac{3}{4}$ | \tan^{-1}\left(\frac{3}{4}\right)
$\log _{3} 2$ | \log_3 2
$\lg 2$ | \log_{10} 2
$\frac{1}{4}\left(3^{n}-1\right)$ | \frac{3^n-1}{4}
$n=4 k$ | 4k
$k \in(-\infty,-1)$ | k<-1
$f(x)=x^2 \text{ for all } x$ | f(x) = x^2
2011 | n = 2011
2^{2010}-1 | 2^{2010}-1
\frac{2011!}{2010!} | 2011
$\frac{1}{2}, 1, 2$ | 2, 1, 0.5
$p = 2, q = 3$ | (2, 3)
$(p, q) = (2, 3)$ | p = 2, q = 3
$(2,3), (3,2)$ | \{(2,3),(3,2)\}
$24 \text{ minutes}$ | 24
50 \text{ km/h} | 50\text{ km per hour}
$1.5\%$ | 0.015
\$1,250 | 1250
£3.50 | 3.50
€20 | 20
2.50 | \$2.50
3 hours 30 minutes | 3 hours 30 minutes
$\frac{5}{8} \text{ of the class}$ | \frac58
$6\sqrt{2}\,\text{cm}$ | 6\sqrt{2}
$x=2 \pm \sqrt{3}$ | 2+\sqrt{3}, 2-\sqrt{3}
$x=1+\sqrt{2}$ or $x=1-\sqrt{2}$ | 1\pm\sqrt{2}
$\left[-\frac{1}{2},\infty\right)$ | x \geq -\frac12
(0,\ 5) | (0,5)
$\begin{pmatrix} 3 \\ -1 \end{pmatrix}$ | (3,-1)
$\left(\begin{array}{cc} 1 & 2 \\ 3 & 4 \end{array}\right)$ | \begin{bmatrix}1&2\\3&4\end{bmatrix}
\begin{cases} x=1 \\ y=2 \end{cases} | x=1, y=2
\begin{cases} x=1 \\ y=2 \end{cases} | (1,2)
$\vec{0}$ | \vec{0}
$\frac{a\sqrt{3}}{2}$ | \frac{\sqrt{3}}{2}a
$R\sqrt{3}$ | \sqrt{3}R
$\frac{abc}{4R}$ | abc/(4R)
$2R\sin A$ | 2R \sin A
$|a-b|$ | |b-a|
$\max\{a,b\}$ | \max\{a,b\}
$\gcd(a,b)$ | \gcd(a,b)
$\lfloor n/2 \rfloor$ | \left\lfloor \frac{n}{2} \right\rfloor
$n^2 - n + 1$ | n(n-1)+1
$2^{n-1}(n+2)$ | (n+2)2^{n-1}
$\frac{(2n)!}{n!(n+1)!}$ | \frac{1}{n+1}\binom{2n}{n}
$(-1)^n \cdot 2$ | 2(-1)^n
$\frac{1}{2}\left(1-\cos 2x\right)$ | \sin^2 x
$\sec^2 x - 1$ | \tan^2 x
$\frac{\pi}{2}-x$ | \pi/2 - x
$10110_2$ | 10110
$1A_{16}$ | 1A_{16}
$0.\dot{3}$ | \frac{1}{3}
$\approx 3.14$ | 3.14
3.14 | \approx 3.14
$\sqrt{5} \approx 2.236$ | \sqrt{5}
five | 5
5 | five
twelve | 12
$5 x+3$ | 3 + 5x
$\text{Friday}$ | \text{friday}
$\text{II and III}$ | II, III
II and III | II and III
$\text{(A) } 5$ | A
0 | 0.0
-0 | 0
1 | 1.0
$\frac{6}{4}$ | 1\frac{1}{2}
13\frac{3}{4} | 13.75
100\% | 1
\frac{1}{3} | 33.\overline{3}\%
10^6 | 1 million
2.5 million | 2500000
\frac{3}{4} | 3:4
$3+2i, 3-2i$ | 3 \pm 2i
\left\{\frac{\pi}{4}+k\pi \mid k\in\mathbb{Z}\right\} | x = \frac{\pi}{4}+k\pi, k\in\mathbb{Z}
$x = k\pi, k \in \mathbf{Z}$ | x = n\pi, n \in \mathbb{Z}
$x\neq 0, x \ne 1$ | x\neq 0 \text{ and } x\neq 1
1-\frac{\pi}{4} | \frac{4-\pi}{4}
{1, 2, 3} | \{1,2,3\}
\left(\sqrt{2}, \frac{\pi}{4}\right) | (\sqrt2, \pi/4)
x < -1, x > 3 | x<-1 \text{ or } x>3
5\text{th} | 5
5^{\text{th}} | 5
21^{st} | 21
6.0 \times 10^{4}\text{ J} | 60000
|x-1|<2 | (-1,3)
x^2 | \begin{aligned} x^2 \end{aligned}
\begin{align*} x &= 5 \end{align*} | 5
|2x+1| \ge 3 | (-\infty,-2]\cup[1,\infty)
1 \le |z| \le \frac{3}{2} | [-\frac32,-1]\cup[1,\frac32]
|x|>1 | x>1 \text{ or } x<-1
"""

DIFFERENT = r"""
|x-1|<2 | (-1,2)
|x|>1 | x>1
1/2 | 1/3
2 | -2
5 | 50
5 | 5.5
10 | 10\sqrt{2}
x+1 | x-1
x^2 | x^3
2x+1 | 2x+2
(1,2) | (2,1)
(1,2) | [1,2]
[1,2) | (1,2]
1,2 | 1,2,3
\{1,2\} | \{1,3\}
1,2 | 1
-2,1 | 1
\pm 3 | 3
3\pm2\sqrt2 | 3+2\sqrt2
x>2 | x<2
x>2 | x\ge 2
(2,\infty) | (-\infty,2)
(-\infty,1)\cup(2,\infty) | (1,2)
2x+y=3 | 2x+y=4
x^2+y^2=4 | x^2+y^2=2
y=x | y=-x
\frac{1}{2^{99}} | \frac{1}{2^{98}}
10^{-20} | 10^{-21}
\frac{1}{2004!} | \frac{1}{2006!}
6 | 6\sqrt{2}
6\sqrt{2} | 6
25\% | 2.5
25\% | 0.025
25 | 0.25
A | B
\text{(A)} | (B)
A | 5
\text{even} | odd
\text{Yes} | No
101_2 | 100_2
101_2 | 101_3
5\text{ m} | 5\text{ cm}
2\text{ hours} | 2\text{ minutes}
90^\circ | \pi
30^\circ | 60^\circ
\begin{pmatrix} 1 \\ 2 \end{pmatrix} | \begin{pmatrix} 2 \\ 1 \end{pmatrix}
1 | 1e999999999
1 | 1.__class__
3.14 | 3.15
\pi | 3
\pi | 3.1
\sqrt{2} | 1.4
\frac{1}{3} | 0.3
0 | 10^{-10}
1 | 0.99
100 | 99.9
x=5 | x=-5
x=1,y=2 | x=2,y=1
x=1,y=2 | (2,1)
2:3 | 3:2
\sin x | \cos x
\ln x | \log_2 x
n | n+1
2^n | n^2
(n+1)! | n!
a+b | ab
AB | BA+1
\mathbb{R} | (0,\infty)
\emptyset | \{0\}
3 | \text{three hundred}
12 | There are no solutions
4 | at least 4
i | 1
1+i | 1-i
|x| | x
x \ne 5 | x = 5
[0,1] | 0.5
(0,1) | 0
5 | 5!
7 | 7x
0 | x
0 | \text{no solution}
\frac{\pi}{6}+k\pi | \frac{\pi}{6}+2k\pi
2k\pi | k\pi
\{1,2,3\} | (1,2,3,4)
1, 1, 2 | 2, 2, 3
-1 | 1
0.1 | 0.01
1000 | 100
12345 | 12354
x^2+1=0 | x^2-1=0
y=2x+3 | 2x-3
5 | 5, 6
5, 6 | 5
a^2+b^2 | (a+b)^2
\frac{a}{b} | \frac{b}{a}
e | 2.7
\sqrt{3} | 3
2\sqrt{3} | 3\sqrt{2}
(x,y)=(1,2) | (2,1)
1<x<2 | 1\le x\le 2
-1<x<2 | x<2
\text{Alice} | \text{Bob}
Monday | Tuesday
100 | 1,00,0
16 | 16\pi
16\pi | 16
2 | 2i
AC | A, B
ABD | ABC
$(1,2)$ | 1
(1) 5; (2) 7 | (1) 5; (2) 8
$y^2=8x$ | y^2=4x
$x_{1}=2, x_{2}=-3$ | x=2
3 hours 30 minutes | 3 hours 20 minutes
1 million | 1000
twelve | 10
$n=4k$ | 4k+1
\frac{1}{2}, 1, 2 | 1, 2, 3
$0.\dot{3}$ | 0.3
12:25 | 12:35
$[0,1]\cup\{2\}$ | [0,2]
\begin{cases} x=1 \\ y=2 \end{cases} | x=2, y=1
$k\pi$ | \frac{k\pi}{2}
5 | 5 \text{ or } 7
$x=2 \pm \sqrt{3}$ | 2+\sqrt{3}
$\vec{0}$ | 1
$1A_{16}$ | 1B_{16}
7 | 1, 2, 7
\sqrt{7} | \sqrt{7}+1
2011! | 2010!
2^{2010}-1 | 2^{2010}+1
10^{100} | 10^{100}+1
e^{-100} | e^{-101}
\sin 1 | \sin 2
II and III | I and III
40\text{ kg} | 40\text{ g}
$\frac{1}{4}\left(3^{n}-1\right)$ | \frac{1}{4} 3^n-1
$x^2+y^2=1$ | x^2+y^2\le 1
x>1 | x>1, x<2
f(x)=2x | f(x)=x
$f(x)=0$ | f(x)=1
(-1,1) | (-1,1]
a | b
a+b | a-b
$2\sqrt{2}$ | 2
$\text{B}$ | 8
1.1 | 1.11
2 | 2.001
0.001 | 0.0011
99.5 | 100
\frac{355}{113} | \pi
1.618 | 1.62
\frac{1}{3} | 0.333
"""

ONLY_MATH_VERIFY_KNOWS = r"""
\int_0^1 x dx | 1/2
\lim_{n\to\infty} (1+1/n)^n | e
"""


def pairs(table: str) -> list[tuple[str, str]]:
    lines = [line.rsplit(" | ", 1) for line in table.strip().splitlines()]
    return [(gold.strip(), answer.strip()) for gold, answer in lines]


def verdict(gold: str, answer: str, problem: str | None = None) -> str:
    return grade(gold, f"<think>\n…\n</think>\n\nSo it is $\\boxed{{{answer}}}$.", problem).outcome


def by_fast_tiers(gold: str, answer: str) -> str:
    """The verdict with nobody to ask but the first two tiers: unsure is an AssertionError."""

    def unsure(gold: str, answer: str) -> bool:
        raise AssertionError(f"not decided: {gold} | {answer}")

    return grade_with(gold, f"\\boxed{{{answer}}}", None, Settings(), unsure).outcome


@pytest.mark.parametrize(("gold", "answer"), pairs(SAME))
def test_same(gold: str, answer: str) -> None:
    assert by_fast_tiers(gold, answer) == "correct"


@pytest.mark.parametrize(("gold", "answer"), pairs(DIFFERENT))
def test_different(gold: str, answer: str) -> None:
    assert verdict(gold, answer) == "wrong"


@pytest.mark.parametrize(("gold", "answer"), pairs(ONLY_MATH_VERIFY_KNOWS))
def test_math_verify_decides_what_the_reader_cannot(gold: str, answer: str) -> None:
    found = grade(gold, f"\\boxed{{{answer}}}")
    assert (found.outcome, found.tier) == ("correct", "math_verify")


@pytest.mark.parametrize(
    ("gold", "answer", "outcome"),
    [
        ("B", "12", "correct"),
        ("B", r"\sqrt{144}", "correct"),
        ("B", "15", "wrong"),
        ("B", "11", "wrong"),
        ("12", "B", "correct"),
        ("12", "C", "wrong"),
        ("B", "(B)", "correct"),
        ("B", r"\textbf{(B)}\ 12", "correct"),
        (r"\textbf{(B)}\ 12", "12", "correct"),
        (r"\textbf{(B)}\ 12", "B", "correct"),
        ("D", r"20\%", "correct"),
    ],
)
def test_options_of_the_problem(gold: str, answer: str, outcome: str) -> None:
    problem = r"How many? $\textbf{(A)}\ 11\qquad\textbf{(B)}\ 12\qquad\textbf{(C)}\ 15\qquad\textbf{(D)}\ 20\%$"
    assert verdict(gold, answer, problem) == outcome


@pytest.mark.parametrize("options", ["(A) 3 (B) 4 (C) 4", "(A) $\\pi$ (B) $2\\pi$"])
def test_a_value_that_is_not_one_option_is_not_its_letter(options: str) -> None:
    assert verdict("B", "4", f"Choose. {options}") == "wrong"


@pytest.mark.parametrize("gold", [None, "", "  ", "proof", "Proof.", "notfound", "$\\text{}$"])
def test_a_gold_no_rule_can_check(gold: str | None) -> None:
    assert grade(gold, r"\boxed{5}").outcome == "gold_unparsable"


@pytest.mark.parametrize(
    "generation", ["", "<think>\n\\boxed{5}", "<think>a</think>", "Let me think.\nOnce more.", "\\boxed{}"]
)
def test_no_answer(generation: str) -> None:
    assert grade("5", generation).outcome == "no_answer"


expressions = st.recursive(
    st.sampled_from(["x", "y", "2", "7", "0.5", r"\pi", r"\sqrt{3}", "n", "12", "i"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: rf"\frac{{{p[0]}}}{{{p[1]}}}"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}+{p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]})({p[1]})"),
        inner.map(lambda e: f"({e})^2"),
        inner.map(lambda e: rf"\sin({e})"),
        inner.map(lambda e: rf"\left|{e}\right|"),
    ),
    max_leaves=6,
)


@given(expressions)
def test_an_expression_is_itself(expression: str) -> None:
    assert equal(expression, expression)
    assert compare(read(expression), read(f"({expression})")) is not False


@given(expressions, expressions)
def test_the_reader_is_sure_of_the_same_both_ways_round(left: str, right: str) -> None:
    assert compare(read(left), read(right)) == compare(read(right), read(left))


@given(expressions)
@example(r"\sin(\sin(\frac{7}{i}))")
@example(r"e^{40}")
def test_one_more_is_never_the_same(expression: str) -> None:
    assert compare(read(expression), read(f"{expression}+1")) is not True


@given(st.integers(), st.integers())
def test_integers_are_compared_exactly(left: int, right: int) -> None:
    assert equal(str(left), str(right)) == (left == right)


@given(st.fractions(), st.fractions())
def test_fractions_are_compared_exactly(left: object, right: object) -> None:
    assert equal(str(left), str(right)) == (left == right)


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=6, unique=True), st.randoms())
def test_a_set_has_no_order_and_a_tuple_has(numbers: list[int], random: object) -> None:
    shuffled = sorted(numbers, key=lambda _: random.random())  # type: ignore[attr-defined]
    inside = [", ".join(map(str, each)) for each in (numbers, shuffled)]
    assert by_fast_tiers(rf"\{{{inside[0]}\}}", rf"\{{{inside[1]}\}}") == "correct"
    assert equal(f"({inside[0]})", f"({inside[1]})") == (numbers == shuffled)


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    squeeze(normalize(text))
    try:
        read(text)
    except Unreadable:
        pass
    assert not equal(text, "1234567") or "1234567" in normalize(text)


@given(st.text(alphabet="\\{}[]()$^_&,;|<>=+-*/!%'.0123456789abcxyzein frsqtlo", max_size=80))
def test_anything_like_latex_can_be_read(text: str) -> None:
    try:
        node = read(text)
    except Unreadable:
        return
    assert compare(node, node) is True


@pytest.mark.parametrize("answer", [r"\frac 1e5 2", r"\binom 1.5e3 2"])
def test_a_bare_argument_may_have_an_exponent(answer: str) -> None:
    assert verdict("1", answer) == "wrong"


@pytest.mark.parametrize(
    ("answer", "outcome"), [("1,2;3,4", "correct"), ("3,4;1,2", "correct"), ("1,2;3,5", "wrong"), ("1;3,4", "wrong")]
)
def test_lists_in_a_list_are_compared_each_in_its_order(answer: str, outcome: str) -> None:
    assert verdict("1,2;3,4", answer) == outcome


def test_a_sum_of_thousands_of_terms_is_compared() -> None:
    long = "+".join(["x"] * 2000)
    assert equal(long, long)
    assert not equal(long, long + "+1")
    assert grade(long, f"\\boxed{{{long}+x}}", timeout=1).outcome in ("wrong", "timeout")


def test_importing_grading_is_cheap() -> None:
    import subprocess
    import sys

    program = "import sys, r1tool.grading; print(sorted({'sympy', 'math_verify', 'asyncio'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
