"""What is refused, with one sentence each in the words of the expression."""

import pytest
import torch

from fallline._backprop._language import MOST_CHARACTERS, read_program
from fallline._backprop._language_values import parse_at, tensors_at
from fallline._errors import OptionError
from sampled import sampled

TYPED = [
    ("", "The expression is empty"),
    (" ;\n; ", "The expression is empty"),
    ("+".join(["x"] * 51_200), "102,399 characters; at most 10,000 are read"),  # 100 kB
    ("x*" * 50_000 + "(", "100,001 characters; at most 10,000 are read"),
    ("(" * 50_000 + "x" + ")" * 50_000, "100,001 characters; at most 10,000 are read"),
    ("(" * 500 + "x" + ")" * 500, "more than 100 brackets"),
    ("-" * 1500 + "x", "nested more than 60 deep"),
    ("-" * 9000 + "x", "nested too deep or too long"),
    ("abs(" * 90 + "x" + ")" * 90, "nested more than 60 deep"),
    ("x" + ".abs()" * 90, "nested more than 60 deep"),
    ("x" + "[0]" * 90, "nested more than 60 deep"),
    ("x**" * 90 + "x", "nested more than 60 deep"),
    ("+".join(["x"] * 4500), "nested too deep or too long"),
    ("[" * 90 + "1" + "]" * 90 + "*x", "nested more than 60 deep"),
    (";".join(["x"] * 300), "300 statements; at most 200"),
    ("+".join(f"x{k}" for k in range(120)), "120 inputs; at most 100"),
    ("\ufdfa" * 9000, "too long"),
    ("x # y", "no comment"),
    ("x \\\n + y", "goes on in the next line inside brackets"),
    ("x\x00", r"sign U\+0000"),
    ("x + \x1b[31m", r"sign U\+001B"),
    ("\ud800 + x", r"sign U\+D800"),
    ("0 < x < 2", r'"0 < x < 2" is no comparison of two values .*write a product: \(0 < x\)\*\(x < 1\)'),
    ("x^2 is 2", r'"x\^2 is 2" is no comparison of two values'),
    ("(x > 0) & (x < 1)", 'for "and" write a product'),
    ("x if x > 0 else 0", r"write where\(x > 0, x, 0\)"),
    ("where(x, 1, 2)", r'"x" is no comparison: where chooses by one'),
    ("m = x > 0; m = m*2; where(m, x, 0)", r'"m" is no comparison'),
    ("where(x > 0, x)", r"write where\(condition, x, y\)"),
    ("x[x > 0]", '"x > 0" is no index: what holds is chosen by where'),
    ("x*", r'"x\*" cannot be read: it breaks off after \*\.'),
    ("x^", r'"x\^" cannot be read: it breaks off after \^\.'),
    ("x + (y z)", 'between "y" and "z" a sign is missing'),
    ("torch.tensor([1, 2])*x", r"numbers in square brackets are a tensor"),
    ("ln(x)", r'no function "ln" in an expression: write log\(…\)'),
    ("x and y", "is a condition"),
    ("not x", "is a condition"),
    ("~x", "is a condition"),
    ("x if y else 1", "is a condition"),
    ("x % 2", '"x % 2" holds %'),
    ("x // 2", "holds //"),
    ("x << 1", "an operation on bits"),
    ("x + y | z", "an operation on bits"),
    ("lambda: x", "is a lambda"),
    ("(lambda x: x)(y)", "calls what is no function|calls what a call"),
    ("[a for a in x]", "is a comprehension"),
    ("mean(x for x in y)", "is a comprehension"),
    ("(y := x)", "an assignment inside an expression"),
    ("f'{x}'", "is a text"),
    ("'x'", "a text in quotation marks, which is no number"),
    ("x + True", "holds True, which is no number"),
    ("x + 2j", "holds 2j, which is no number"),
    ("None*x", "holds None"),
    ("x + ...", "holds ..., which"),
    ("{x: 1}", "is a dictionary"),
    ("{x}", "is a set"),
    ("x, y", "a row of values"),
    ("sum(*x)", "a starred value"),
    ("sum(**x)", r"does not know \*\* in"),
    ("yield x", "a word of Python"),
    ("x.real", 'no function "real"'),
    ("x.__class__", '"__class__" cannot be used'),
    ("x.__class__()", '"__class__" cannot be used'),
    ("().__class__.__bases__", '"__bases__" cannot be used'),
    ("__import__('os')", '"__import__" cannot be used'),
    ("__import__('os').system('ls')", 'no function "system"'),
    ("__builtins__", '"__builtins__" cannot be used'),
    ("eval(x)", 'no function "eval"'),
    ("open('a')", 'no function "open"'),
    ("torch.load('a')", 'no function "load"'),
    ("torch.nn.Linear(2, 1)(x)", "calls what"),
    ("os.system('ls')", 'no function "system"'),
    ("x.backward()", "the backward pass is run and shown anyway"),
    ("x.grad", "the gradients are shown anyway"),
    ("x.data", r"without its gradient write detach\(…\)"),
    ("x*x.data.sum()", r"without its gradient write detach\(…\)"),
    ("x.detach_()", r"nothing is changed in place here, write detach\(…\)"),
    ("x.cpu()", "on the CPU anyway: leave it out"),
    ("torch.exp", '"exp" is a function: write its brackets'),
    ("x.exp", '"exp" is a function: write its brackets'),
    ("exp", '"exp" is a function'),
    ("torch*x", '"torch" stands before a function'),
    ("F + x", '"F" stands before a function'),
    ("exp(x)(x)", "calls what"),
    ("x[0](x)", "calls what"),
    ("2x", r"write a product with its sign, 2\*x"),
    ("2(x+1)", r"write a product with its sign, 2\*\(…\)"),
    ("w(x+1)", r"For a product write w\*\(…\)"),
    ("sums(x)", 'Did you mean "sum"'),
    ("x.sofmax()", 'Did you mean "softmax"'),
    ("x y", "cannot be read"),
    ("= x", "cannot be read"),
    ("(x", "1 bracket is opened and 0 closed"),
    ("(x; y)", 'A bracket is not closed before ";"'),
    ("(\nx;", 'A bracket is not closed before ";" in "\\( x"'),
    ("x)", "0 brackets are opened and 1 closed"),
    ("lambda = 2", '"lambda" is a word of Python'),
    ("import os", "is an import"),
    ("from os import path", "is an import"),
    ("if x: y", "a statement of Python"),
    ("def f(x): return x", "a statement of Python"),
    ("class A: pass", "a statement of Python"),
    ("y: int = 2", "a statement of Python"),
    ("x += 1; x", "changes x in place"),
    ("a = b = x", "assigns twice"),
    ("a, b = x", "assigns to what is no name"),
    ("x[0] = 2", "assigns to what is no name"),
    ("x.a = 2", "assigns to what is no name"),
    ("x + 1; y", r'"x \+ 1" is computed and not used'),
    ("x = x + 1", '"x" is used in "x \\+ 1" before "x = x \\+ 1" assigns it'),
    ("z = y*2; y = 2; z", r'"y" is used in "y\*2" before "y = 2" assigns it'),
    ("e = x; e", '"e" is the number 2.7183'),
    ("sum = x", '"sum" is a function'),
    ("torch = x", '"torch" stands before a function'),
    ("x" * 101, "The name .* has 101 letters; at most 100"),
    ("_y = x", '"_y" cannot be used: a name begins with a letter'),
    ("__debug__ + x", "cannot be used: a name begins with a letter"),
    ("nan*x", '"nan" is a value: give it to an input'),
    ("1e999*x", "too large"),
    ("9" * 400 + "*x", "too large"),
    ("9" * 5000 + "*x", "a number has at most 300 digits"),
    ("3 + 4", "has no input"),
    ("[[1, 2], [3]]*x", "rows of different lengths"),
    ("x + []", "an empty list"),
    ("[x, 1]", r'"x" is no number: .* stack\(\[a, b\]\)'),
    ("x + 9^9^9", r'^"9\^9\^9" is infinite: use numbers below 1.8e308'),
    ("10**400*x", r'^"10\*\*400" is infinite'),
    ("1/0 + x", r'^"1/0" is infinite'),
    ("x*exp(1000)", r'^"exp\(1000\)" is infinite'),
    ("x = 3; x*x", r'has no input: "x = …" gives x its value there'),
    ("sum(x, y)", r"sum takes one value; of two, entry by entry, write x \+ y"),
    ("mean(x, y)", r"mean takes one value; of two, entry by entry, write \(x \+ y\)/2"),
    ("x[y]", "where a whole number is needed"),
    ("x[1.5]", "where a whole number is needed"),
    ("x[None]", "where a whole number is needed"),
    ("x[True]", "where a whole number is needed"),
    ("x[::-1]", "an index runs forward"),
    ("x[()]", "An index is empty"),
    ("x[" + "9" * 30 + "]", "too large for an index"),
    ("sum()", "write sum"),
    ("sum(x, 0, 1)", "write sum"),
    ("sum(x, dim=y)", "where a whole number is needed"),
    ("sum(x, axis=0)", "does not know axis="),
    ("exp(x, y)", r"write exp\(x\)"),
    ("exp(x, out=y)", r"does not know out= in .*: it has no settings"),
    ("maximum(x)", r"write maximum\(x, y\)"),
    ("max(x, y)", r"write maximum\(x, y\)"),
    ("norm(x, 2)", "write norm"),
    ("add(x)", "add takes two values"),
    ("clamp(x, y)", '"y" stands for min'),
    ("softmax(x, 0, dim=1)", "gives dim twice"),
    ("mse_loss(x, y, reduction=foo)", '"mean", "sum" or "none"'),
    ("sum(x, keepdim=2)", "True or False"),
    ("stack(x, y)", "in square brackets"),
    ("reshape(x)", "write reshape"),
    ("x.T()", r"\.T\" takes no brackets"),
    ("cross_entropy(x, t) + t", '"t" is class numbers'),
    ("cross_entropy(x, exp)", '"exp" is a function'),
]


@pytest.mark.parametrize(("text", "said"), sampled(TYPED), ids=lambda each: each[:30].encode("unicode_escape").decode())
def test_what_is_no_program_gets_one_clear_sentence(text: str, said: str) -> None:
    with pytest.raises(OptionError, match=said) as caught:
        read_program(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("given", [None, 3, b"x"])
def test_what_is_no_text_is_refused(given: object) -> None:
    with pytest.raises(OptionError, match="given as text"):
        read_program(given)


RUN = [
    ("x + y", "x=1,2,3; y=1,2", r'"x \+ y" cannot be computed: x has shape \(3,\) and y has shape \(2,\)'),
    ("2*(x + 1) - y^2", "x=1,2,3; y=1,2", r'"2\*\(x \+ 1\) - y\^2" cannot be computed: 2\*\(x \+ 1\) has shape \(3,\)'),
    ("W @ x", "W=[[1,2],[3,4]]; x=1,2,3", r"the last size of the first, 2, must equal 3 of the second"),
    ("W @ a", "W=[[1,2],[3,4]]; a=3", "a is a single number, and a matrix product needs"),
    ("2 @ x", "x=1,2", "2 is a single number, and a matrix product needs"),
    ("matmul(x, y)", "x=[[[1]],[[2]]]; y=[[[1]],[[2]],[[3]]]", "their stacks of matrices do not match"),
    ("mm(W, x)", "W=[[1,2]]; x=1,2", "mm takes two matrices"),
    ("dot(x, y)", "x=1,2; y=1,2,3", "two vectors of the same length"),
    ("x[3]", "x=1,2,3", r"x has shape \(3,\), so an index is 0 to 2, and 3 is none"),
    ("x[0, 0]", "x=1,2,3", "which 2 indices cannot be taken of"),
    ("x[0]", "x=1", "x is a single number, which an index cannot be taken of"),
    ("x[2:2]", "x=1,2,3", "nothing of it is there"),
    ("sum(x, 1)", "x=1,2,3", r"there is no dimension 1: x has shape \(3,\), so dim is 0 alone"),
    ("max(W, -3)", "W=[[1,2]]", "there is no dimension −3: .* so dim is 0 to 1"),
    ("x.transpose(0, 1)", "x=1,2", "there is no dimension 1"),
    ("softmax(W)", "W=[[1,2]]", "say along which dimension"),
    ("sum(x, keepdim=True)", "x=1,2", "keepdim needs the dimension"),
    ("var(x)", "x=1", "it divides by the number of entries less 1, and there are 1"),
    ("std(W, 0)", "W=[[1,2]]", "correction=0 divides by their number"),
    ("clamp(x)", "x=1", "clamp needs a least or a greatest number"),
    ("clamp(x, 0, 1e300)", "x=1", "1e\\+300 is beyond the largest number of float32"),
    ("leaky_relu(x, -1e300)", "x=1", "−1e\\+300 is beyond"),
    ("X.T", "X=[[[1]]]", r"transpose\(x, 0, 1\)"),
    ("reshape(x, 2, 2)", "x=1,2,3", r"with 3 entries, which do not fill \(2, 2\)"),
    ("reshape(x, 1000000000)", "x=1,2,3", "which do not fill"),
    ("reshape(x, 1000000000000, 1000000000000)", "x=1,2,3", "which do not fill"),
    ("reshape(x, 2, -1)", "x=1,2,3", "which do not fill"),
    ("reshape(x, -1, -1)", "x=1,2,3", "one of them may be −1"),
    ("reshape(x, 0)", "x=1,2,3", "each size of a shape is 1 or more"),
    ("unsqueeze(x, 5)", "x=1,2", "can stand at 0 to 1"),
    ("cat([x, W])", "x=1,2; W=[[1,2]]", "cat joins what differs in dimension 0 alone"),
    ("cat([x, a])", "x=1,2; a=1", "a is a single number; cat joins vectors"),
    ("cat([a, a])", "a=1", "a is a single number; cat joins vectors"),
    ("stack([x, W])", "x=1,2; W=[[1,2]]", "stack takes equal shapes"),
    ("stack([x, x], dim=3)", "x=1,2", "can stand at 0 to 1"),
    ("x > y", "x=1,2; y=1,2,3", r'"x > y" cannot be computed: x has shape \(2,\) and y has shape \(3,\)'),
    ("where(x > 0, x, y)", "x=1,2; y=1,2,3", r"x > 0 has shape \(2,\) and y has shape \(3,\)"),
    ("outer(x, a)", "x=1,2; a=1", "a is a single number; outer takes two vectors"),
    ("linear(x, W)", "x=1,2; W=[[1,2,3]]", "linear takes a matrix W with a column for each entry of x"),
    ("linear(x, W, b)", "x=1,2; W=[[1,2]]; b=1,2", "b has an entry for each row of W"),
    ("permute(W, 0, 0)", "W=[[1,2]]", "permute takes each of its dimensions once"),
    ("permute(x, 2)", "x=1.5", "permute takes each of its dimensions once"),
    ("binary_cross_entropy(x, [1, 0])", "x=0.5,2", "x holds what is no probability"),
    ("binary_cross_entropy(x, y)", "x=0.5,nan; y=0,1", "x holds what is no probability"),
    ("nll_loss(x, [0.5, 1])", "x=1,2", "stands for class numbers"),
    ("cumsum(W)", "W=[[1,2]]", "say along which dimension"),
    ("squeeze(x, 3)", "x=1,2", "there is no dimension 3"),
    ("mse_loss(x, y)", "x=1,2; y=1,2,3", "they must have the same shape"),
    ("mse_loss(x, y)", "x=[[1],[2]]; y=1,2", "they must have the same shape"),
    ("binary_cross_entropy_with_logits(x, 1)", "x=1,2", "they must have the same shape"),
    ("cross_entropy(x, t)", "x=1,2,3; t=3", "there is no class 3: 3 scores are of classes 0 to 2"),
    ("cross_entropy(x, t)", "x=1,2,3; t=-1", "there is no class −1"),
    ("cross_entropy(x, t)", "x=1,2,3; t=0,1", "these scores need one class number"),
    ("cross_entropy(W, t)", "W=[[1,2],[3,4]]; t=0", r"class numbers of shape \(2,\)"),
    ("cross_entropy(a, t)", "a=1; t=0", "takes a vector of scores"),
    ("cross_entropy(x, [0.5, 0.5])", "x=1,2,3", "they must have the same shape"),
    (
        "x.unsqueeze(1)*x",
        "x=" + ",".join(["1"] * 1000),
        r"shape \(1000, 1000\), 1,000,000 entries, and at most 100,000",
    ),
    ("x.unsqueeze(1) @ x.unsqueeze(0)", "x=" + ",".join(["1"] * 1000), "1,000,000 entries, and at most 100,000"),
    (";".join(["y = cat([x, x])"] + ["y = cat([y, y])"] * 150), "x=1,2", "entries, and at most 100,000"),
    (";".join(["y = stack([x, x])"] + ["y = stack([y, y])"] * 150), "x=1,2", "entries, and at most 100,000"),
]


@pytest.mark.parametrize(("text", "at", "said"), sampled(RUN), ids=lambda each: each[:40])
def test_what_does_not_fit_gets_one_clear_sentence(text: str, at: str, said: str) -> None:
    program = read_program(text)
    tensors = tensors_at(program, parse_at([at]))
    with pytest.raises(OptionError, match=said) as caught:
        program(tensors)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_large_inputs_of_ones_own_are_no_large_results() -> None:
    x = torch.ones(400_000)
    assert read_program("sum(x*x)")({"x": x}).item() == 400_000


def test_the_text_is_measured_before_it_is_read() -> None:
    full = "x" + " " * (MOST_CHARACTERS - 2) + "y"
    with pytest.raises(OptionError, match="cannot be read"):
        read_program(full)
    with pytest.raises(OptionError, match="characters"):
        read_program(full + "y")
