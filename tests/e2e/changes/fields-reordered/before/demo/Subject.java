package demo;

public class Subject {
    int a;
    int b;

    static String run() {
        return "old";
    }
}
