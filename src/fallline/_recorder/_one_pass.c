/* The sums of a step in one pass over the host's memory; _compiled_gauge.py calls it, _one_pass.pyi has its types.
 *
 * The parameters before the step were copied to a buffer of the gauge; the parameters after it, and the gradients, are
 * read where they lie. Squares of float32 numbers overflow, and vanish, long before their roots do: so what is not
 * certainly far from both is added up in float64.
 *
 * Only the stable ABI of Python 3.11 is used: what is built once serves every later Python. The vectors are extensions
 * of GCC and Clang: another compiler gives up here, and fallline does without (docs/decisions/0017).
 */
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <float.h>
#include <stdint.h>
#include <string.h>

/* |g|^2, |update|^2, |parameters before|^2, g . update */
#define SUMS 4

/* So many numbers are added up in float32 before their sums join the others in float64: few enough that it costs no
 * more than the rounding of the numbers themselves, and that the second look at a block finds it in the cache. */
#define BLOCK 256

/* Squares of float32 that sum to more have lost nothing to underflow: what vanishes of a block is below
 * BLOCK * FLT_MIN = 3e-36, a millionth of the rounding of this. */
#define LEAST 1e-30f

/* From so many bytes on other threads of Python may run meanwhile; for fewer, handing over would take longer. */
#define LONG (1 << 20)

/* Partial sums side by side: vectors that every processor since 2013 has in its registers; elsewhere the compiler
 * divides them. Each function in which they are used is made for both, and chosen when the program starts. */
typedef double Wide __attribute__((vector_size(32)));
typedef float Narrow __attribute__((vector_size(32)));
typedef float HalfNarrow __attribute__((vector_size(16))); /* as many as in a Wide */
#define WIDE ((Py_ssize_t)(sizeof(Wide) / sizeof(double)))
#define NARROW ((Py_ssize_t)(sizeof(Narrow) / sizeof(float)))

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define FOR_BOTH __attribute__((target_clones("avx2", "default")))
#else
#define FOR_BOTH
#endif

static const float ZEROS[BLOCK];

/* One parameter. Its numbers are those of its dtype, at any address: they are only ever copied from there. */
typedef struct {
    const char *now;
    const char *slope; /* its gradient; NULL: it has none, which counts as 0 */
    Py_ssize_t count;
    Py_ssize_t column; /* of the sums that it adds to */
} Tensor;

/* ---- arithmetic -------------------------------------------------------------------------------------------------- */

/* The update and the sums of one block in float32, whatever they come to. */
FOR_BOTH static void add_narrow(const char *now, const char *kept, const char *slope, float *update, float *sums)
{
    Narrow slopes = {0}, updates = {0}, befores = {0}, products = {0};
    for (Py_ssize_t k = 0; k < BLOCK; k += NARROW) {
        Narrow after, before, gradient;
        memcpy(&after, now + k * (Py_ssize_t)sizeof(float), sizeof after);
        memcpy(&before, kept + k * (Py_ssize_t)sizeof(float), sizeof before);
        memcpy(&gradient, slope + k * (Py_ssize_t)sizeof(float), sizeof gradient);
        after -= before;
        memcpy(update + k, &after, sizeof after);
        slopes += gradient * gradient;
        updates += after * after;
        befores += before * before;
        products += gradient * after;
    }
    for (int lane = 0; lane < NARROW; lane++) {
        sums[0] += slopes[lane];
        sums[1] += updates[lane];
        sums[2] += befores[lane];
        sums[3] += products[lane];
    }
}

/* The same of `count` numbers in float64, a multiple of WIDE; `before` becomes the update. */
FOR_BOTH static void add_wide(const double *now, double *before, const double *slope, Py_ssize_t count, double *sums)
{
    Wide slopes = {0}, updates = {0}, befores = {0}, products = {0};
    for (Py_ssize_t k = 0; k < count; k += WIDE) {
        Wide update, old, gradient;
        memcpy(&update, now + k, sizeof update);
        memcpy(&old, before + k, sizeof old);
        memcpy(&gradient, slope + k, sizeof gradient);
        update -= old;
        memcpy(before + k, &update, sizeof update);
        slopes += gradient * gradient;
        updates += update * update;
        befores += old * old;
        products += gradient * update;
    }
    for (int lane = 0; lane < WIDE; lane++) {
        sums[0] += slopes[lane];
        sums[1] += updates[lane];
        sums[2] += befores[lane];
        sums[3] += products[lane];
    }
}

/* True where a sum of squares has lost no digits to underflow; that of nothing but zeros (none of them -0) has none. */
static int is_whole(float sum, const void *numbers) { return sum > LEAST || memcmp(numbers, ZEROS, sizeof ZEROS) == 0; }

/* One block in float32; false, with nothing changed, where that would not do. */
static int sum_quickly(const char *now, char *kept, const char *slope, double *sums)
{
    float update[BLOCK], quick[SUMS] = {0};
    add_narrow(now, kept, slope, update, quick);
    /* A product is at most half the sum of both its squares, so it does not overflow either. NaN is not below. */
    int finite = quick[0] + quick[1] + quick[2] < FLT_MAX;
    if (!finite || !is_whole(quick[0], slope) || !is_whole(quick[1], update) || !is_whole(quick[2], kept))
        return 0;
    memcpy(kept, update, sizeof update);
    for (int kind = 0; kind < SUMS; kind++)
        sums[kind] += (double)quick[kind];
    return 1;
}

/* The next multiple of WIDE. */
static Py_ssize_t filled_up(Py_ssize_t count) { return (count + WIDE - 1) / WIDE * WIDE; }

/* `count` numbers as float64, a multiple of WIDE. */
FOR_BOTH static void widen(const float *from, Py_ssize_t count, double *into)
{
    for (Py_ssize_t k = 0; k < count; k += WIDE) {
        HalfNarrow given;
        memcpy(&given, from + k, sizeof given);
        Wide wide = __builtin_convertvector(given, Wide);
        memcpy(into + k, &wide, sizeof wide);
    }
}

/* And back. */
FOR_BOTH static void narrow_down(const double *from, Py_ssize_t count, float *into)
{
    for (Py_ssize_t k = 0; k < count; k += WIDE) {
        Wide given;
        memcpy(&given, from + k, sizeof given);
        HalfNarrow narrow = __builtin_convertvector(given, HalfNarrow);
        memcpy(into + k, &narrow, sizeof narrow);
    }
}

/* `count` numbers of `size` bytes as float64, filled up with zeros; NULL is zeros. */
static void fetch(const char *from, Py_ssize_t count, size_t size, double *into)
{
    float narrow[BLOCK];
    size_t bytes = from == NULL ? 0 : (size_t)count * size, filled = (size_t)filled_up(count) * size;
    char *target = size == sizeof(double) ? (char *)into : (char *)narrow;
    if (bytes != 0)
        memcpy(target, from, bytes);
    memset(target + bytes, 0, filled - bytes);
    if (size == sizeof(float))
        widen(narrow, filled_up(count), into);
}

/* Back to numbers of `size` bytes. */
static void store(const double *from, Py_ssize_t count, size_t size, char *into)
{
    float narrow[BLOCK];
    if (size == sizeof(float))
        narrow_down(from, filled_up(count), narrow);
    memcpy(into, size == sizeof(float) ? (const void *)narrow : (const void *)from, (size_t)count * size);
}

/* At most one block in float64. */
static void sum_exactly(const char *now, char *kept, const char *slope, Py_ssize_t count, size_t size, double *sums)
{
    double after[BLOCK], before[BLOCK], gradient[BLOCK];
    fetch(now, count, size, after);
    fetch(kept, count, size, before);
    fetch(slope, count, size, gradient);
    add_wide(after, before, gradient, filled_up(count), sums);
    store(before, count, size, kept);
}

/* One tensor, block by block; `kept` has its numbers before the step, and then its update. */
static void sum_tensor(const Tensor *tensor, char *kept, size_t size, double *sums)
{
    for (Py_ssize_t k = 0; k < tensor->count; k += BLOCK) {
        Py_ssize_t count = tensor->count - k < BLOCK ? tensor->count - k : BLOCK;
        Py_ssize_t offset = k * (Py_ssize_t)size;
        const char *slope = tensor->slope == NULL ? NULL : tensor->slope + offset;
        if (count == BLOCK && size == sizeof(float) &&
            sum_quickly(tensor->now + offset, kept + offset, slope == NULL ? (const char *)ZEROS : slope, sums))
            continue;
        sum_exactly(tensor->now + offset, kept + offset, slope, count, size, sums);
    }
}

/* All tensors: [columns x SUMS]. */
static void sum_all(const Tensor *tensors, Py_ssize_t length, char *kept, size_t size, double *sums)
{
    for (Py_ssize_t k = 0; k < length; k++) {
        sum_tensor(tensors + k, kept, size, sums + SUMS * tensors[k].column);
        kept += tensors[k].count * (Py_ssize_t)size;
    }
}

/* All tensors, one after the other; a NULL is zeros. */
static void copy_all(const Tensor *tensors, Py_ssize_t length, char *into, size_t size)
{
    for (Py_ssize_t k = 0; k < length; k++) {
        size_t bytes = (size_t)tensors[k].count * size;
        if (tensors[k].now == NULL)
            memset(into, 0, bytes);
        else
            memcpy(into, tensors[k].now, bytes);
        into += bytes;
    }
}

/* ---- what Python gives ------------------------------------------------------------------------------------------- */

/* Whether its items are of one of two kinds. */
static int holds(const Py_buffer *buffer, const char *one, const char *other)
{
    return buffer->format != NULL && (strcmp(buffer->format, one) == 0 || strcmp(buffer->format, other) == 0);
}

/* A buffer to write to, of float32 or float64 in a row; -1 with an exception where it is something else. */
static int open_numbers(PyObject *given, Py_buffer *numbers)
{
    if (PyObject_GetBuffer(given, numbers, PyBUF_WRITABLE | PyBUF_ND | PyBUF_FORMAT) < 0)
        return -1;
    if (holds(numbers, "f", "d"))
        return 0;
    PyBuffer_Release(numbers);
    PyErr_SetString(PyExc_ValueError, "the buffer holds neither float32 nor float64");
    return -1;
}

/* The rows (count, column) of the plan; NULL with an exception where they do not share out all `numbers`. */
static Tensor *follow_plan(const Py_buffer *plan, Py_ssize_t length, Py_ssize_t numbers, Py_ssize_t columns)
{
    Tensor *tensors = PyMem_Calloc((size_t)length + 1, sizeof *tensors);
    if (tensors == NULL)
        return (Tensor *)PyErr_NoMemory();
    int fits = 1;
    for (Py_ssize_t k = 0; fits && k < length; k++) {
        int64_t row[2];
        memcpy(row, (const char *)plan->buf + (size_t)k * sizeof row, sizeof row);
        fits = row[0] >= 0 && row[0] <= numbers && row[1] >= 0 && row[1] < columns;
        tensors[k].count = fits ? (Py_ssize_t)row[0] : 0;
        tensors[k].column = fits ? (Py_ssize_t)row[1] : 0;
        numbers -= tensors[k].count;
    }
    if (fits && numbers == 0)
        return tensors;
    PyErr_SetString(PyExc_ValueError, fits ? "the plan has fewer numbers than the buffer"
                                           : "the plan has more numbers than the buffer, or another column");
    PyMem_Free(tensors);
    return NULL;
}

/* The same from Python's object; `length` of its rows are wanted. */
static Tensor *open_plan(PyObject *given, Py_ssize_t length, const Py_buffer *numbers, Py_ssize_t columns)
{
    Py_buffer plan;
    Tensor *tensors = NULL;
    if (PyObject_GetBuffer(given, &plan, PyBUF_ND | PyBUF_FORMAT) < 0)
        return NULL;
    int as_int64 = plan.itemsize == sizeof(int64_t) && holds(&plan, "l", "q"); /* long or long long */
    if (as_int64 && plan.len / (Py_ssize_t)sizeof(int64_t) == 2 * length)
        tensors = follow_plan(&plan, length, numbers->len / numbers->itemsize, columns);
    else
        PyErr_SetString(PyExc_ValueError, "the plan has not one row of two int64 for each address");
    PyBuffer_Release(&plan);
    return tensors;
}

/* How many addresses there are; -1 with an exception where that is no list. */
static Py_ssize_t length_of(PyObject *addresses)
{
    if (PyList_Check(addresses))
        return PyList_Size(addresses);
    PyErr_SetString(PyExc_TypeError, "the addresses are not a list");
    return -1;
}

/* Address `k`, which is taken on trust; -1 with an exception where it is no address. */
static int read_address(PyObject *addresses, Py_ssize_t k, const char **address)
{
    PyObject *given = PyList_GetItem(addresses, k);
    if (given == NULL)
        return -1;
    *address = PyLong_AsVoidPtr(given);
    return *address == NULL && PyErr_Occurred() ? -1 : 0;
}

/* ---- the two functions ------------------------------------------------------------------------------------------- */

static PyObject *gather(PyObject *module, PyObject *const *arguments, Py_ssize_t given)
{
    (void)module;
    Py_buffer into;
    if (given != 3) {
        PyErr_SetString(PyExc_TypeError, "gather(addresses, plan, into)");
        return NULL;
    }
    Py_ssize_t length = length_of(arguments[0]);
    if (length < 0 || open_numbers(arguments[2], &into) < 0)
        return NULL;
    Tensor *tensors = open_plan(arguments[1], length, &into, PY_SSIZE_T_MAX);
    int sound = tensors != NULL;
    for (Py_ssize_t k = 0; sound && k < length; k++)
        sound = read_address(arguments[0], k, &tensors[k].now) == 0;
    PyThreadState *waiting = sound && into.len >= LONG ? PyEval_SaveThread() : NULL;
    if (sound)
        copy_all(tensors, length, into.buf, (size_t)into.itemsize);
    if (waiting != NULL)
        PyEval_RestoreThread(waiting);
    PyMem_Free(tensors);
    PyBuffer_Release(&into);
    return sound ? Py_NewRef(Py_None) : NULL;
}

/* Where every parameter lies, and its gradient; false with an exception where one is missing. */
static int read_addresses(PyObject *addresses, PyObject *gradients, Tensor *tensors, Py_ssize_t length)
{
    for (Py_ssize_t k = 0; k < length; k++) {
        if (read_address(addresses, k, &tensors[k].now) < 0 || read_address(gradients, k, &tensors[k].slope) < 0)
            return 0;
        if (tensors[k].now == NULL && tensors[k].count != 0) {
            PyErr_SetString(PyExc_ValueError, "a parameter has no address");
            return 0;
        }
    }
    return 1;
}

/* All first sums, then all second ones: [SUMS x columns]. */
static PyObject *as_list(const double *sums, Py_ssize_t columns)
{
    PyObject *list = PyList_New(SUMS * columns);
    for (Py_ssize_t place = 0; list != NULL && place < SUMS * columns; place++) {
        PyObject *number = PyFloat_FromDouble(sums[place % columns * SUMS + place / columns]);
        if (number == NULL || PyList_SetItem(list, place, number) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* The sums of sound arguments. */
static PyObject *summed(const Tensor *tensors, Py_ssize_t length, const Py_buffer *kept, Py_ssize_t columns)
{
    double *sums = PyMem_Calloc((size_t)(SUMS * columns) + 1, sizeof *sums);
    if (sums == NULL)
        return PyErr_NoMemory();
    PyThreadState *waiting = kept->len >= LONG ? PyEval_SaveThread() : NULL;
    sum_all(tensors, length, kept->buf, (size_t)kept->itemsize, sums);
    if (waiting != NULL)
        PyEval_RestoreThread(waiting);
    PyObject *list = as_list(sums, columns);
    PyMem_Free(sums);
    return list;
}

static PyObject *update_sums(PyObject *module, PyObject *const *arguments, Py_ssize_t given)
{
    (void)module;
    Py_buffer kept;
    if (given != 5) {
        PyErr_SetString(PyExc_TypeError, "update_sums(addresses, gradients, plan, kept, columns)");
        return NULL;
    }
    Py_ssize_t length = length_of(arguments[0]), slopes = length_of(arguments[1]);
    if (length < 0 || slopes < 0)
        return NULL;
    Py_ssize_t columns = PyLong_AsSsize_t(arguments[4]);
    if (columns == -1 && PyErr_Occurred())
        return NULL;
    if (slopes != length || columns < 0 || columns > length) {
        PyErr_SetString(PyExc_ValueError, "there is not one gradient for each address, or there are more columns");
        return NULL;
    }
    if (open_numbers(arguments[3], &kept) < 0)
        return NULL;
    PyObject *list = NULL;
    Tensor *tensors = open_plan(arguments[2], length, &kept, columns);
    if (tensors != NULL && read_addresses(arguments[0], arguments[1], tensors, length))
        list = summed(tensors, length, &kept, columns);
    PyMem_Free(tensors);
    PyBuffer_Release(&kept);
    return list;
}

static PyMethodDef methods[] = {
    {"gather", (PyCFunction)(void (*)(void))gather, METH_FASTCALL, NULL},
    {"update_sums", (PyCFunction)(void (*)(void))update_sums, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_one_pass", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__one_pass(void) { return PyModuleDef_Init(&module); }
