import PluginHost
import Tensors
import Testing

/// What a model may say of itself.
@Suite struct DescriptionTests {
  @Test func aDescriptionArrivesWhole() throws {
    var plugin = CPlugin()
    plugin.globals = "static const char *const labels[] = {\"cat\", \"dog\"};"
    plugin.input = ".rank = 2, .dims = {-1, -1}, .flags = SWERVE_RAGGED | SWERVE_OPTIONAL, .pad_value = -7.5"
    plugin.output = ".dtype = SWERVE_I64, .rank = 2, .dims = {-1, 2}"
    plugin.info = """
      .max_batch = 32, .concurrency = SWERVE_SERIAL, .flags = SWERVE_SAFE_TO_RETRY, .memory_estimate = 1234,
      .platform = "clockwork"
      """
    plugin.describe = """
      static swerve_spec output;
      static swerve_model_info mine;
      output = outputs[0];
      output.labels = labels;
      output.label_count = 2;
      mine = info;
      mine.outputs = &output;
      return &mine;
      """
    let description = try plugin.model().description
    #expect(
      description.inputs == [
        TensorSpec(name: "x", datatype: .fp32, shape: [-1, -1], isOptional: true, padValue: -7.5)
      ])
    #expect(
      description.outputs == [
        TensorSpec(name: "y", datatype: .int64, shape: [-1, 2], labels: ["cat", "dog"])
      ])
    #expect(description.maximumBatch == 32)
    #expect(description.concurrency == .serial)
    #expect(description.isSafeToRetry)
    #expect(description.memoryEstimate == 1234)
    #expect(description.platform == "clockwork")
  }

  @Test func whatIsNotSaidHasDefaults() throws {
    let description = try CPlugin(info: ".max_batch = 0, .concurrency = 0").model().description
    #expect(description.maximumBatch == 1)
    #expect(description.concurrency == .serial)
    #expect(!description.isSafeToRetry)
    #expect(description.memoryEstimate == 0)
    #expect(description.platform == "fixture")
    #expect(!description.inputs[0].isOptional)
    #expect(description.inputs[0].padValue == nil)
  }

  @Test func aScalarHasNoDimensions() throws {
    let plugin = CPlugin(input: ".rank = 0", output: ".rank = 0", info: ".max_batch = 1")
    #expect(try plugin.model().description.inputs[0].shape == [])
  }

  @Test func specsOfALaterMinorAreReadByTheirStride() throws {
    var plugin = CPlugin()
    plugin.globals = "struct later { swerve_spec now; uint64_t junk[3]; };"
    plugin.describe = """
      static struct later two[2];
      static swerve_model_info mine;
      for (int i = 0; i < 2; i++) {
        memset(&two[i], 0xA5, sizeof two[i]);
        two[i].now = outputs[0];
        two[i].now.name = i ? "second" : "first";
      }
      mine = info;
      mine.spec_size = sizeof two[0];
      mine.outputs = &two[0].now;
      mine.output_count = 2;
      mine.inputs = NULL;
      mine.input_count = 0;
      return &mine;
      """
    let description = try plugin.model().description
    #expect(description.outputs.map(\.name) == ["first", "second"])
    #expect(description.inputs.isEmpty)
  }

  @Test func specsOfAnEarlierMinorLackOnlyTheirLastFields() throws {
    var plugin = CPlugin()
    plugin.globals =
      "struct earlier { const char *name; swerve_dtype dtype; uint32_t rank; int64_t dims[8]; };"
    plugin.describe = """
      static struct earlier two[2] = {{"first", SWERVE_F32, 1, {-1}}, {"second", SWERVE_U8, 2, {-1, 3}}};
      static swerve_model_info mine;
      mine = info;
      mine.struct_size = offsetof(swerve_model_info, memory_estimate);
      mine.memory_estimate = 99;
      mine.spec_size = sizeof two[0];
      mine.outputs = (const swerve_spec *)two;
      mine.output_count = 2;
      mine.inputs = NULL;
      mine.input_count = 0;
      return &mine;
      """
    let description = try plugin.model().description
    #expect(description.outputs.map(\.datatype) == [.fp32, .uint8])
    #expect(description.outputs[1].shape == [-1, 3])
    #expect(description.outputs[1].labels.isEmpty)
    #expect(description.memoryEstimate == 0)
  }

  @Test(
    arguments: [
      (CPlugin(describe: "return NULL;"), "describe returned NULL"),
      (CPlugin(info: ".struct_size = 16"), "struct_size 16"),
      (CPlugin(info: ".spec_size = 8"), "spec_size 8"),
      (CPlugin(info: ".output_count = 0"), "no outputs"),
      (CPlugin(info: ".outputs = NULL"), "1 outputs at NULL"),
      (CPlugin(info: ".inputs = NULL"), "1 inputs at NULL"),
      (CPlugin(info: ".input_count = 5000"), "5000 inputs"),
      (CPlugin(info: ".concurrency = 7"), "concurrency 7"),
      (CPlugin(info: ".platform = \"\""), "platform"),
      (CPlugin(input: ".name = NULL"), "input 0 the name NULL"),
      (CPlugin(output: ".name = \"\""), "output 0 the name \"\""),
      (CPlugin(input: ".dtype = 0"), "input 0 \"x\" dtype 0"),
      (CPlugin(output: ".dtype = 15"), "output 0 \"y\" dtype 15"),
      (CPlugin(input: ".rank = 9"), "rank 9"),
      (CPlugin(input: ".rank = 4000000000u"), "rank 4000000000"),
      (CPlugin(input: ".rank = 2, .dims = {-1, -2}"), "shape [-1,-2]"),
      (CPlugin(input: ".dims = {4}"), "dimension 0 is the batch"),
      (CPlugin(output: ".rank = 0"), "dimension 0 is the batch"),
      (CPlugin(output: ".label_count = 3"), "3 labels at NULL"),
      (
        CPlugin(
          info:
            ".outputs = (const swerve_spec[]){{.name = \"y\", .dtype = 12}, {.name = \"y\", .dtype = 12}}, .output_count = 2, .max_batch = 1"
        ), "two outputs the name \"y\""
      ),
    ] as [(CPlugin, String)])
  func aBadDescriptionIsRefusedWithThePlace(_ plugin: CPlugin, _ reason: String) throws {
    let message = try plugin.refusal() ?? "(it was loaded)"
    #expect(message.contains("plugin fixture") && message.contains(reason), "\(message)")
  }

  @Test func labelsThatDoNotFitTheShapeAreRefused() throws {
    let plugin = CPlugin(
      globals: "static const char *const names[] = {\"a\", NULL, \"c\"};",
      describe: """
        static swerve_spec output;
        static swerve_model_info mine;
        output = outputs[0];
        output.labels = names;
        output.label_count = 3;
        output.rank = 2;
        output.dims[1] = LAST;
        mine = info;
        mine.outputs = &output;
        return &mine;
        """)
    var wrongCount = plugin
    wrongCount.globals += "\n#define LAST 4"
    #expect(try wrongCount.refusal()?.contains("3 labels for shape [-1,4]") == true)
    var missing = plugin
    missing.globals += "\n#define LAST 3"
    #expect(try missing.refusal()?.contains("label 1 NULL") == true)
  }

  @Test func aModelThatCannotBeLoadedSaysWhy() throws {
    let plugin = CPlugin(
      create:
        "snprintf(error->message, sizeof error->message, \"no weights in %s\", args->path); return SWERVE_NOT_FOUND;"
    )
    let folder = try TemporaryFolder()
    let loaded = try Plugin(path: try plugin.build(in: folder), services: HostServices())
    let error = #expect(throws: PluginError.self) {
      _ = try loaded.makeModel(path: "/models/m/1", configuration: "{}")
    }
    #expect(error?.status == .notFound)
    #expect(error?.message == "plugin fixture cannot load /models/m/1: no weights in /models/m/1")
  }

  @Test(arguments: [
    ("return SWERVE_UNSUPPORTED;", "create failed: this is not supported"),
    ("return 77;", "create returned 77"),
    ("return SWERVE_OK;", "without a model"), ("return SWERVE_PENDING;", "create returned 1"),
    ("memset(error->message, 'm', 512); return SWERVE_INTERNAL;", String(repeating: "m", count: 512)),
  ])
  func aFailureWithoutASentenceStillSaysSomething(_ create: String, _ reason: String) throws {
    let message = try CPlugin(create: create).refusal() ?? "(it was loaded)"
    #expect(message.contains(reason), "\(message)")
  }

  @Test func createSeesPathConfigurationNameAndItsOwnTable() throws {
    var plugin = CPlugin()
    plugin.table = ".context = (void *)4711"
    plugin.create = """
      snprintf(error->message, sizeof error->message, "%s|%s|%s|%d|%zu", args->path, args->config, args->name,
               (int)(intptr_t)args->plugin->context, args->struct_size);
      return SWERVE_INTERNAL;
      """
    let folder = try TemporaryFolder()
    let loaded = try Plugin(path: try plugin.build(in: folder), services: HostServices())
    let error = #expect(throws: PluginError.self) {
      _ = try loaded.makeModel(path: "/m/1", configuration: "{\"a\":1}", name: "resnet")
    }
    #expect(error?.message.hasSuffix("/m/1|{\"a\":1}|resnet|4711|48") == true)
  }
}
