/// A plugin in C++.
enum CxxSkeleton {
  static func text(_ name: String) -> String {
    """
    #include "swerve_plugin.hpp"

    namespace {

    class Model : public swerve::Model {
     public:
      explicit Model(const swerve::Arguments &) {}

      /// What the model takes and gives. -1 is any size; dimension 0 is the batch.
      swerve::Signature signature() const override {
        return {.inputs = {{"x", swerve::f32, {-1, -1}}},
                .outputs = {{"y", swerve::f32, {-1, -1}}},
                .max_batch = 64,
                .concurrent = true,
                .safe_to_retry = true};
      }

      swerve::Completion execute(swerve::Batch batch) override {
        auto x = batch.input("x");
        auto from = x.as<float>();
        auto to = batch.output<float>("y", x.dims());
        for (size_t i = 0; i < from.size(); i++) to[i] = from[i] + 1;
        return swerve::done;
      }
    };

    }  // namespace

    SWERVE_PLUGIN("\(name)", "1.0.0", Model)

    """
  }
}
