using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace LlavaSharp.Serving.Operations;

/// <summary>OpenTelemetry for a server: metrics for Prometheus; metrics and traces for a collector where the usual variables name one.</summary>
internal static class Telemetry
{
    private const string Service = "llava";
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Adds it.</summary>
    /// <param name="services">The server's services.</param>
    /// <param name="metrics">Whether Prometheus is told.</param>
    public static void Add(IServiceCollection services, bool metrics)
    {
        // nothing is sent anywhere unless somebody said where
        var hasCollector = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Endpoint));
        if (!metrics && !hasCollector)
            return;
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(Service));
        telemetry.WithMetrics(builder =>
        {
            builder.AddMeter(EngineMetrics.MeterName).AddAspNetCoreInstrumentation();
            if (metrics)
                builder.AddPrometheusExporter();
            if (hasCollector)
                builder.AddOtlpExporter();
        });
        if (hasCollector)
            telemetry.WithTracing(builder => builder.AddAspNetCoreInstrumentation().AddOtlpExporter());
    }
}
