/* swerve_plugin.hpp: plugins in C++. A thin wrapper of swerve_plugin.h, without a library to link; C++20.
 *
 *   struct Celsius : swerve::Model {
 *     explicit Celsius(const swerve::Arguments &) {}
 *     swerve::Signature signature() const override {
 *       return {.inputs = {{"fahrenheit", swerve::f32, {-1}}}, .outputs = {{"celsius", swerve::f32, {-1}}},
 *               .max_batch = 256, .concurrent = true};
 *     }
 *     swerve::Completion execute(swerve::Batch batch) override {
 *       auto from = batch.input("fahrenheit").as<float>();
 *       auto to = batch.output<float>("celsius", {from.size()});
 *       for (size_t i = 0; i < from.size(); i++) to[i] = (from[i] - 32) / 1.8f;
 *       return swerve::done;
 *     }
 *   };
 *   SWERVE_PLUGIN("celsius", "1.0.0", Celsius)
 *
 * Exceptions end at the border: swerve::Error becomes its status and message, std::bad_alloc out of
 * memory, any other std::exception an internal fault with its text. What crosses the border is C. */
#ifndef SWERVE_PLUGIN_HPP
#define SWERVE_PLUGIN_HPP
#ifdef __cplusplus

#if __cplusplus < 202002L
#error "swerve_plugin.hpp needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "ext/config.h"
#include "ext/models.h"
#include "swerve_plugin.h"

namespace swerve __attribute__((visibility("hidden"))) {

// ---- Values --------------------------------------------------------------------------------

/// The type of a tensor's elements.
using Type = swerve_dtype;
inline constexpr Type boolean = SWERVE_BOOL, u8 = SWERVE_U8, u16 = SWERVE_U16, u32 = SWERVE_U32,
                      u64 = SWERVE_U64, i8 = SWERVE_I8, i16 = SWERVE_I16, i32 = SWERVE_I32,
                      i64 = SWERVE_I64, f16 = SWERVE_F16, bf16 = SWERVE_BF16, f32 = SWERVE_F32,
                      f64 = SWERVE_F64, bytes = SWERVE_BYTES;

/// The type whose elements are a C++ type's; f16 and bf16 have none.
template <typename Element>
struct TypeOf;
template <> struct TypeOf<bool> { static constexpr Type value = boolean; };
template <> struct TypeOf<uint8_t> { static constexpr Type value = u8; };
template <> struct TypeOf<uint16_t> { static constexpr Type value = u16; };
template <> struct TypeOf<uint32_t> { static constexpr Type value = u32; };
template <> struct TypeOf<uint64_t> { static constexpr Type value = u64; };
template <> struct TypeOf<int8_t> { static constexpr Type value = i8; };
template <> struct TypeOf<int16_t> { static constexpr Type value = i16; };
template <> struct TypeOf<int32_t> { static constexpr Type value = i32; };
template <> struct TypeOf<int64_t> { static constexpr Type value = i64; };
template <> struct TypeOf<float> { static constexpr Type value = f32; };
template <> struct TypeOf<double> { static constexpr Type value = f64; };
template <> struct TypeOf<swerve_bytes> { static constexpr Type value = bytes; };

/// What a model throws to fail a call, or a request, with a status and a sentence for the client.
class Error : public std::runtime_error {
 public:
  Error(swerve_status status, const std::string &message) : std::runtime_error(message), status_(status) {}
  swerve_status status() const noexcept { return status_; }

 private:
  swerve_status status_;
};

/// The client's input is not what the model can compute.
inline Error invalid_argument(const std::string &message) { return {SWERVE_INVALID_ARGUMENT, message}; }

// ---- What a model says of itself -----------------------------------------------------------

/// An input or output.
struct TensorSpec {
  std::string name;
  Type type;
  std::vector<int64_t> dims; ///< outermost first, at most SWERVE_MAX_RANK; -1: any size
  bool optional = false;     ///< an input that may be left out, an output that may be missing
  /// Requests that differ in dimensions of -1 beyond dimension 0 may share a batch, filled up with this.
  std::optional<double> pad_value = {};
  std::vector<std::string> labels = {}; ///< names of the last dimension's elements
};

/// What a model takes and gives, and how it wants to be called.
struct Signature {
  std::vector<TensorSpec> inputs, outputs;
  uint32_t max_batch = 1;       ///< more: dimension 0 of every input and output is the batch, and is -1
  bool concurrent = false;      ///< any number of calls of execute at once; else one after the other
  bool safe_to_retry = false;   ///< a request that was lost half-way may be executed again
  uint64_t memory_estimate = 0; ///< bytes; 0: not known
  std::string platform = {};    ///< what clients are told; empty: the plugin's name
};

// ---- The server ----------------------------------------------------------------------------

/// The server, as one model sees it. A value; valid as long as the model.
class Host {
 public:
  explicit Host(const swerve_host *table) : table_(table) {}
  const swerve_host *table() const { return table_; }

  /// Writes a line to the server's log: SWERVE_LOG_INFO and so on.
  void log(int32_t level, const std::string &message) const { table_->log(table_, level, message.c_str()); }

  /// A service by id, for example extension<swerve_threads>(SWERVE_THREADS); nullptr if there is none.
  template <typename Service>
  const Service *extension(const char *id) const {
    return static_cast<const Service *>(table_->extension(table_, id));
  }

  /// What the model's configuration has at `path`, for example "labels.0.name"; `otherwise` if that is nothing, or
  /// something of another type.
  double number(const char *path, double otherwise) const { return read(&swerve_config::number, path, otherwise); }
  int64_t integer(const char *path, int64_t otherwise) const { return read(&swerve_config::integer, path, otherwise); }
  bool boolean(const char *path, bool otherwise) const { return read(&swerve_config::boolean, path, otherwise); }
  std::string text(const char *path, const char *otherwise) const {
    return read(&swerve_config::text, path, otherwise);
  }

 private:
  template <typename Value>
  Value read(bool (*swerve_config::*field)(const swerve_host *, const char *, Value *), const char *path,
             Value otherwise) const {
    if (const auto *config = extension<swerve_config>(SWERVE_CONFIG)) (config->*field)(table_, path, &otherwise);
    return otherwise;
  }

  const swerve_host *table_;
};

/// What a model is made from. The texts are valid while it is constructed.
struct Arguments {
  Host host;
  std::string_view path;   ///< the model's version folder
  std::string_view config; ///< a JSON object: "parameters" of the model's configuration
  std::string_view name;   ///< what the server calls the model
};

// ---- One call of execute -------------------------------------------------------------------

/// An input: the server's memory, valid until the last request of the batch is finished.
class Input {
 public:
  explicit Input(const swerve_tensor *tensor) : tensor_(tensor) {}

  std::string_view name() const { return tensor_->name; }
  Type type() const { return tensor_->dtype; }
  std::span<const int64_t> dims() const { return {tensor_->dims, tensor_->rank}; }
  const swerve_tensor *tensor() const { return tensor_; }
  std::span<const std::byte> raw() const {
    return {static_cast<const std::byte *>(tensor_->data), tensor_->byte_size};
  }

  /// The elements, row by row. Throws if they are of another type.
  template <typename Element>
  std::span<const Element> as() const {
    if (tensor_->dtype != TypeOf<Element>::value)
      throw Error(SWERVE_INTERNAL, "input " + std::string(name()) + " is read as another type than it has");
    return {static_cast<const Element *>(tensor_->data), tensor_->byte_size / sizeof(Element)};
  }

  /// An element of a tensor of bytes.
  std::string_view text(size_t index) const {
    const swerve_bytes &element = as<swerve_bytes>()[index];
    return {reinterpret_cast<const char *>(element.data), element.size};
  }

 private:
  const swerve_tensor *tensor_;
};

/// One client's request within a batch. Dead after finish or fail.
class Request {
 public:
  Request(const swerve_host *host, swerve_request *handle, uint32_t rows)
      : host_(host), handle_(handle), rows_(rows) {}

  swerve_request *handle() const { return handle_; }
  uint32_t rows() const { return rows_; } ///< how much of dimension 0 is this request's
  std::string id() const { return info() ? info()->id : ""; }
  std::string parameters() const { return info() ? info()->parameters : "{}"; } ///< a JSON object
  int64_t deadline_ns() const { return info() ? info()->deadline_ns : 0; } ///< CLOCK_MONOTONIC; 0: none
  bool is_cancelled() const { return host_->is_cancelled(host_, handle_); }

  /// Ends this request with its rows of the outputs, or with what was streamed.
  void finish() const { host_->finish(host_, handle_, SWERVE_OK, nullptr); }
  /// Ends this request, and not its neighbours in the batch, with an error.
  void fail(const Error &error) const { host_->finish(host_, handle_, error.status(), error.what()); }

  /// Streams a part of the answer. Blocks while the client reads too slowly; false: nobody reads any more.
  template <typename Element>
  bool send(const char *output, std::span<const Element> elements, std::span<const int64_t> dims) const {
    swerve_tensor tensor{};
    if (dims.size() > SWERVE_MAX_RANK) throw Error(SWERVE_INTERNAL, "more dimensions than a tensor has");
    tensor.name = output;
    tensor.dtype = TypeOf<Element>::value;
    tensor.rank = static_cast<uint32_t>(dims.size());
    std::copy(dims.begin(), dims.end(), tensor.dims);
    tensor.data = const_cast<Element *>(elements.data());
    tensor.byte_size = elements.size_bytes();
    swerve_status status = host_->send(host_, handle_, &tensor, 1);
    if (status == SWERVE_OK || status == SWERVE_CANCELLED) return status == SWERVE_OK;
    throw Error(status, std::string("the server refused a part of output ") + output + "; see its log");
  }

  /// Streams one element of an output of bytes.
  bool send(const char *output, std::string_view text) const {
    const swerve_bytes element{reinterpret_cast<const uint8_t *>(text.data()), text.size()};
    const int64_t one = 1;
    return send<swerve_bytes>(output, std::span(&element, 1), std::span(&one, 1));
  }

 private:
  const swerve_request_info *info() const { return host_->request_info(host_, handle_); }

  const swerve_host *host_;
  swerve_request *handle_;
  uint32_t rows_;
};

/// The rows of one or more requests, stacked along dimension 0. A model that never looks at the requests is
/// already correct. A value; valid until the last request is finished.
class Batch {
 public:
  Batch(const swerve_host *host, const swerve_batch *batch) : host_(host), batch_(batch) {}

  Host host() const { return Host(host_); }

  /// The input of that name; nothing if it is optional and was left out.
  std::optional<Input> find(std::string_view name) const {
    for (uint32_t i = 0; i < batch_->input_count; i++)
      if (batch_->inputs[i].data && name == batch_->inputs[i].name) return Input(&batch_->inputs[i]);
    return {};
  }

  /// The input of that name, which the model cannot do without.
  Input input(std::string_view name) const {
    if (auto found = find(name)) return *found;
    throw invalid_argument("input " + std::string(name) + " is missing");
  }

  /// Adds an output of the signature, for all rows of the batch, to be filled.
  template <typename Element, typename Size = int64_t>
  std::span<Element> output(const char *name, std::initializer_list<Size> dims) const {
    return output<Element>(name, std::vector<int64_t>(dims.begin(), dims.end()));
  }
  template <typename Element>
  std::span<Element> output(const char *name, std::span<const int64_t> dims) const {
    swerve_tensor *tensor = output(name, TypeOf<Element>::value, dims);
    return {static_cast<Element *>(tensor->data), tensor->byte_size / sizeof(Element)};
  }
  /// The same for types that C++ has none of.
  swerve_tensor *output(const char *name, Type type, std::span<const int64_t> dims) const {
    swerve_tensor *tensor =
        host_->output(host_, batch_, name, type, static_cast<uint32_t>(dims.size()), dims.data());
    if (tensor) return tensor;
    throw Error(SWERVE_INTERNAL, std::string("the server refused output ") + name + "; see its log");
  }

  /// A copy of `text` for an element of an output of bytes.
  swerve_bytes keep(std::string_view text) const {
    if (text.empty()) return {nullptr, 0};
    auto *memory = static_cast<uint8_t *>(host_->bytes(host_, batch_, text.size()));
    if (!memory) throw std::bad_alloc();
    std::memcpy(memory, text.data(), text.size());
    return {memory, text.size()};
  }

  /// Runs another model of the server and returns what it answers, valid until the last request is finished. Throws
  /// what it ended with. `request`: on whose behalf; left out: all of the batch.
  std::vector<Input> run(const char *model, std::span<const swerve_tensor> inputs,
                         const swerve_request *request = nullptr) const {
    const auto *models = Host(host_).extension<swerve_models>(SWERVE_MODELS);
    if (!models) throw Error(SWERVE_UNSUPPORTED, "this server has no models/1");
    swerve_call call{};
    call.struct_size = sizeof call;
    call.model = model;
    call.inputs = inputs.data();
    call.input_count = static_cast<uint32_t>(inputs.size());
    call.request = request;
    const swerve_tensor *outputs = nullptr;
    uint32_t count = 0;
    swerve_error error{};
    swerve_status status = models->run(host_, batch_, &call, &outputs, &count, &error);
    if (status != SWERVE_OK) throw Error(status, error.message);
    std::vector<Input> answer;
    for (uint32_t i = 0; i < count; i++) answer.emplace_back(&outputs[i]);
    return answer;
  }

  uint32_t request_count() const { return batch_->request_count; }
  Request request(uint32_t index) const {
    return Request(host_, batch_->requests[index], batch_->rows[index]);
  }

 private:
  const swerve_host *host_;
  const swerve_batch *batch_;
};

// ---- The model -----------------------------------------------------------------------------

/// What execute returns: done, and the server finishes every request still open; or pending, and the model
/// finishes each of them itself, now or later, on any thread.
enum class Completion : swerve_status { done = SWERVE_OK, pending = SWERVE_PENDING };
inline constexpr Completion done = Completion::done, pending = Completion::pending;

/// A loaded model. Its constructor takes `const swerve::Arguments &` and throws if it cannot load.
class __attribute__((visibility("default"))) Model { // as visible as what is derived from it, or GCC warns
 public:
  virtual ~Model() = default;
  /// Asked once, after construction.
  virtual Signature signature() const = 0;
  /// Computes a batch.
  virtual Completion execute(Batch batch) = 0;
  /// The client of a request has gone; finish it soon. `request` may be finished already.
  virtual void cancel(swerve_request *request) { (void)request; }
};

// ---- The tables ----------------------------------------------------------------------------

namespace detail {

/// What describe returns, and the memory it points into.
class Description {
 public:
  explicit Description(Signature signature) : signature_(std::move(signature)) {
    for (const auto &spec : signature_.inputs) inputs_.push_back(adopt(spec));
    for (const auto &spec : signature_.outputs) outputs_.push_back(adopt(spec));
    info_.struct_size = sizeof info_;
    info_.spec_size = sizeof(swerve_spec);
    info_.inputs = inputs_.data();
    info_.outputs = outputs_.data();
    info_.input_count = static_cast<uint32_t>(inputs_.size());
    info_.output_count = static_cast<uint32_t>(outputs_.size());
    info_.max_batch = signature_.max_batch;
    info_.concurrency = signature_.concurrent ? SWERVE_CONCURRENT : SWERVE_SERIAL;
    info_.memory_estimate = signature_.memory_estimate;
    info_.platform = signature_.platform.empty() ? nullptr : signature_.platform.c_str();
    info_.flags = signature_.safe_to_retry ? SWERVE_SAFE_TO_RETRY : 0;
  }
  Description(const Description &) = delete;

  const swerve_model_info *info() const { return &info_; }

 private:
  swerve_spec adopt(const TensorSpec &from) {
    if (from.dims.size() > SWERVE_MAX_RANK)
      throw Error(SWERVE_INTERNAL, from.name + " has more than 8 dimensions");
    swerve_spec to{};
    to.name = from.name.c_str();
    to.dtype = from.type;
    to.rank = static_cast<uint32_t>(from.dims.size());
    std::copy(from.dims.begin(), from.dims.end(), to.dims);
    if (from.optional) to.flags |= SWERVE_OPTIONAL;
    if (from.pad_value) to.flags |= SWERVE_RAGGED;
    to.pad_value = from.pad_value.value_or(0);
    to.label_count = static_cast<uint32_t>(from.labels.size());
    auto &labels = labels_.emplace_back();
    for (const auto &label : from.labels) labels.push_back(label.c_str());
    to.labels = labels.empty() ? nullptr : labels.data();
    return to;
  }

  Signature signature_;
  std::vector<swerve_spec> inputs_, outputs_;
  std::deque<std::vector<const char *>> labels_;
  swerve_model_info info_{};
};

/// A model and its description: what the opaque swerve_model is.
struct Loaded {
  const swerve_host *host;
  std::unique_ptr<Model> model;
  Description description;
};

/// Runs `body` and turns what it throws into a status and a message. Nothing is thrown across the border.
template <typename Body>
swerve_status guarded(swerve_error *error, Body body) noexcept {
  auto say = [error](const char *message) { std::snprintf(error->message, sizeof error->message, "%s", message); };
  try {
    return static_cast<swerve_status>(body());
  } catch (const Error &thrown) {
    say(thrown.what());
    return thrown.status();
  } catch (const std::bad_alloc &) {
    say("out of memory");
    return SWERVE_OUT_OF_MEMORY;
  } catch (const std::exception &thrown) {
    say(thrown.what());
  } catch (...) {
    say("an exception that is no std::exception");
  }
  return SWERVE_INTERNAL;
}

inline Loaded *loaded(swerve_model *model) { return reinterpret_cast<Loaded *>(model); }

template <typename Concrete>
swerve_status create(const swerve_create_args *args, swerve_model **model, swerve_error *error) {
  return guarded(error, [&] {
    auto made = std::make_unique<Concrete>(Arguments{Host(args->host), args->path, args->config, args->name});
    Signature signature = made->signature();
    *model = reinterpret_cast<swerve_model *>(
        new Loaded{args->host, std::move(made), Description(std::move(signature))});
    return done;
  });
}

inline void destroy(swerve_model *model) { delete loaded(model); }

inline const swerve_model_info *describe(const swerve_model *model) {
  return reinterpret_cast<const Loaded *>(model)->description.info();
}

inline swerve_status execute(swerve_model *model, const swerve_batch *batch, swerve_error *error) {
  return guarded(error, [&] { return loaded(model)->model->execute(Batch(loaded(model)->host, batch)); });
}

inline void cancel(swerve_model *model, swerve_request *request) {
  swerve_error ignored{};
  guarded(&ignored, [&] {
    loaded(model)->model->cancel(request);
    return done;
  });
}

/// The plugin's table.
template <typename Concrete>
swerve_plugin table(const char *name, const char *version) {
  swerve_plugin plugin{};
  plugin.struct_size = sizeof plugin;
  plugin.abi_major = SWERVE_ABI_MAJOR;
  plugin.abi_minor = SWERVE_ABI_MINOR;
  plugin.name = name;
  plugin.version = version;
  plugin.create = create<Concrete>;
  plugin.destroy = destroy;
  plugin.describe = describe;
  plugin.execute = execute;
  plugin.cancel = cancel;
  return plugin;
}

}  // namespace detail
}  // namespace swerve

/// The one symbol of a plugin whose models are of `ModelType`; once, at file scope.
#define SWERVE_PLUGIN(NAME, VERSION, ModelType)                                                    \
  extern "C" SWERVE_EXPORT const swerve_plugin *swerve_plugin_entry(const swerve_host *) {         \
    static const swerve_plugin plugin = swerve::detail::table<ModelType>(NAME, VERSION);           \
    return &plugin;                                                                                \
  }

#endif
#endif
